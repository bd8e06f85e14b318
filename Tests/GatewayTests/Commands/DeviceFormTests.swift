import JSON
import MQTT
import OrderedCollections
import Plant
import PlantClient
import SparkplugB
import Synchronization
import TestFixtures
import Testing

@testable import Gateway

@Suite("CommandService: commands in the device's own form")
struct DeviceFormTests {
    typealias Bed = CommandTestBed

    @Test("what a tag shows ends a command, and the message is the device's own")
    func verified() async throws {
        try await Bed.with { bed in
            let shown = Mutex<Interlock.Reading?>(nil)
            try await withThrowingTaskGroup(of: Void.self) { group in
                let gateway = try await bed.gateway(
                    "g1", in: &group,
                    reading: { tag in tag.text == "factory/line1/press1/rpm" ? shown.withLock { $0 } : nil })
                _ = try await gateway.own(Bed.press, in: &group)
                try await bed.submit(Bed.request("a", "shown"))
                let message = try await eventuallyValue("the command at the device") {
                    gateway.published("shown").first
                }
                #expect(message.text == "700" && message.qos == .atMostOnce && !message.retain)
                #expect(message.properties.correlationData == Array("a".utf8))
                #expect(message.properties.contentType == nil && message.properties.payloadIsText)
                #expect(message.properties.messageExpiry != nil && message.properties.responseTopic == nil)
                #expect(try await bed.record("a")?.state == .sent)
                shown.withLock { $0 = .init(value: 700, quality: .good, receivedAt: WallClock.now()) }
                let end = try await bed.finish("a")
                #expect(
                    end.state == .succeeded && end.verification == .verified && end.reason == .verified, "\(end.json)")
                #expect(try await bed.journal("a").suffix(2) == ["SENT", "SUCCEEDED"])
                #expect(gateway.published("shown").count == 1)
                group.cancelAll()
            }
        }
    }

    @Test("at most once: after a takeover the successor looks at its own tags, and sends nothing")
    func takeover() async throws {
        try await Bed.with { bed in
            let shown = Mutex<Interlock.Reading?>(nil)
            let broker = ScriptedBroker()
            try await withThrowingTaskGroup(of: Void.self) { group in
                try await withThrowingTaskGroup(of: Void.self) { first in
                    let gateway = try await bed.gateway("g1", in: &first, broker: broker)
                    _ = try await gateway.own(Bed.press, in: &first)
                    try await bed.submit(Bed.request("a", "shown"))
                    _ = try await eventuallyValue("the command at the device") { gateway.published("shown").first }
                    first.cancelAll()
                }
                let next = try await bed.gateway(
                    "g2", in: &group, broker: broker, reading: { _ in shown.withLock { $0 } })
                _ = try await next.own(Bed.press, in: &group)
                shown.withLock { $0 = .init(value: 700, quality: .good, receivedAt: WallClock.now()) }
                let end = try await bed.finish("a")
                #expect(end.state == .succeeded && end.verification == .verified && end.gateway == "g2", "\(end.json)")
                #expect(broker.messages(on: "factory/line1/press1/cmd/shown").count == 1)
                group.cancelAll()
            }
        }
    }

    // Assertions: topics-dcmd-mqtt, payloads-dcmd-qos, payloads-dcmd-retain,
    // operational-behavior-data-commands-dcmd-verb
    @Test("a metric of Sparkplug B goes out as its birth has it, and its echo ends the command")
    func metric() async throws {
        try await Bed.with { bed in
            let tag = try TagPath("factory/line1/press1/Speed")
            let known = Mutex(KnownMetric.unborn)
            let shown = Mutex<Interlock.Reading?>(nil)
            let asked = Mutex<Set<MetricAddress>>([])
            try await withThrowingTaskGroup(of: Void.self) { group in
                let gateway = try await bed.gateway(
                    "g1", in: &group, reading: { path in path == tag ? shown.withLock { $0 } : nil },
                    metric: { address in
                        asked.withLock { _ = $0.insert(address) }
                        return known.withLock { $0 }
                    })
                _ = try await gateway.own(Bed.press, in: &group)
                try await bed.submit(Bed.request("a", "written"))
                try await eventually("the gateway waits for a birth") { asked.withLock { !$0.isEmpty } }
                let topic = "spBv1.0/factory/DCMD/line1/press1"
                #expect(gateway.broker.messages(on: topic).isEmpty)
                known.withLock { $0 = .named(.int32, tag: tag) }
                let message = try await eventuallyValue("the command at the device") {
                    gateway.broker.messages(on: topic).first
                }
                #expect(message.qos == .atMostOnce && !message.retain)
                #expect(message.properties.contentType == nil && !message.properties.payloadIsText)
                let payload = try SparkplugPayload(message.payload.span)
                #expect(payload.metrics.map(\.name) == ["Speed"] && payload.metrics.map(\.value) == [.int(700)])
                shown.withLock { $0 = .init(value: 700, quality: .good, receivedAt: WallClock.now()) }
                let end = try await bed.finish("a")
                #expect(end.state == .succeeded && end.verification == .verified, "\(end.json)")
                #expect(asked.withLock { $0.map(\.topic) } == [topic])
                group.cancelAll()
            }
        }
    }

    @Test("an answer by correlation data, to a command in JSON; and one without an answer")
    func correlated() async throws {
        try await Bed.with { bed in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let gateway = try await bed.gateway("g1", in: &group)
                _ = try await gateway.own(Bed.press, in: &group)
                try await bed.submit(Bed.request("a", "correlated"))
                let message = try await eventuallyValue("the command at the device") {
                    gateway.published("correlated").first
                }
                #expect(message.text == #"{"rpm":700}"# && message.qos == .atLeastOnce)
                #expect(message.properties.contentType == "application/json")
                #expect(message.properties.responseTopic == "factory/line1/press1/ack")
                let (topic, payload) = (Array("factory/line1/press1/ack".utf8), Array(#"{"result":1}"#.utf8))
                gateway.service.offer(topic: topic, payload: payload)
                gateway.service.offer(topic: topic, payload: payload, correlation: Array("a".utf8))
                #expect(try await bed.finish("a").state == .succeeded)

                try await bed.submit(Bed.request("b", "nothing"))
                let end = try await bed.finish("b")
                #expect(end.state == .published && end.reason == .noAnswerDefined)
                #expect(gateway.published("nothing").map(\.payload) == [[]])
                #expect(gateway.published("nothing").first?.properties.payloadIsText == false)
                group.cancelAll()
            }
        }
    }
}
