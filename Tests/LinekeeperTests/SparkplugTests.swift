import Foundation
import JSON
import SparkplugB
import Synchronization
import TestFixtures
import Testing

extension EndToEnd {
    /// An edge node of Sparkplug B, a real broker, and two gateways.
    @Suite("Sparkplug B")
    struct SparkplugTests {
        /// Counts its messages, and births everything.
        private struct Edge {
            let link: BrokerLink
            var sequence: UInt64 = 0

            mutating func publish(
                _ type: SparkplugMessageType, device: String? = nil, _ metrics: [SparkplugMetric]
            ) async throws {
                var payload = SparkplugPayload(
                    timestamp: UInt64(Date().timeIntervalSince1970 * 1000), metrics: metrics)
                if type == .nodeBirth { sequence = 0 }
                if type.hasSequence {
                    payload.sequence = sequence
                    sequence = (sequence + 1) % 256
                }
                let topic = try #require(EdgeTopic.text(type, group: "hall", edge: "pc", device: device))
                try await link.publish(topic, payload.encoded)
            }

            static let number = SparkplugMetric(name: "bdSeq", type: .int64, value: .long(0))

            mutating func birth(_ pressure: Double) async throws {
                try await publish(.nodeBirth, [Self.number])
                try await publish(
                    .deviceBirth, device: "press",
                    [SparkplugMetric(name: "pressure", alias: 1, type: .double, value: .double(pressure))])
            }

            mutating func data(_ pressure: Double) async throws {
                try await publish(
                    .deviceData, device: "press", [SparkplugMetric(alias: 1, value: .double(pressure))])
            }
        }

        @Test(
            "births, data and deaths stand in the tree, and after a takeover the next gateway continues without asking",
            .timeLimit(.minutes(3)))
        func life() async throws {
            try await Stage.play("sparkplug") { stage in
                // Given two gateways, and an edge node whose first message is data,
                let broker = try await stage.broker()
                let configuration = PlantConfiguration(
                    broker: broker.url, tree: .servers(try await stage.treeServer().connectString),
                    routes: PlantConfiguration.machineRoutes + """

                          - { name: edges, topic: "spBv1.0/#", payload: sparkplug }
                        """)
                let gateways = [
                    "gw-a": try stage.gateway("gw-a", configuration), "gw-b": try stage.gateway("gw-b", configuration),
                ]
                let reader = try await stage.reader(configuration)
                try await Conditions.standing(["gw-a", "gw-b"], reader)
                let link = try await stage.link(broker, "edge")
                let requests = Mutex(0)
                let listener = try await BrokerLink(
                    port: broker.port, clientID: "host", subscriptions: ["spBv1.0/hall/NCMD/pc"]
                ) { message in
                    if let payload = try? SparkplugPayload(message.payload.span),
                        payload.metrics.map(\.name) == ["Node Control/Rebirth"]
                    {
                        requests.withLock { $0 += 1 }
                    }
                }
                stage.onEnd { await listener.close() }
                var edge = Edge(link: link, sequence: 7)
                try await edge.data(1)

                // then one of them asks for a birth,
                try await eventually("a request", within: .seconds(20), seen: { broker.log }) {
                    requests.withLock { $0 } > 0
                }
                // and with it come tags and devices.
                let tag = "hall/pc/press/pressure"
                func stands(_ value: Double, _ quality: String) async throws {
                    try await eventually("\(value), \(quality)", within: .seconds(20)) {
                        let node = try await reader.tag(tag)
                        return node?.v?.number == value && node?.q == quality
                    }
                }
                try await edge.birth(1.5)
                try await stands(1.5, "good")
                try await edge.data(2.5)
                try await stands(2.5, "good")
                let asked = requests.withLock { $0 }

                // When the active gateway is killed,
                let active = try #require(try await reader.activeProcessor()?.gateway)
                await gateways[active]?.kill9()
                try await edge.data(3.5)

                // then the other one goes on with what it knows,
                try await stands(3.5, "good")
                try await edge.data(4.5)
                try await stands(4.5, "good")
                // and the death of the edge node is heard.
                try await edge.publish(.nodeDeath, [Edge.number])
                try await stands(4.5, "stale")
                #expect(requests.withLock { $0 } == asked)
                try await eventually("the device is offline") {
                    try await reader.text("/devices/hall/pc/press").contains("\"offline\"")
                }
            }
        }

        @Test(
            "the host is online again with a larger timestamp when its gateway is killed, never offline when it is stopped beside another one, and offline when the last one stops",
            .timeLimit(.minutes(3)))
        func host() async throws {
            try await Stage.play("sparkplug-host") { stage in
                // Given two gateways that are the host application, and an edge node that waits for it,
                let broker = try await stage.broker()
                let configuration = PlantConfiguration(
                    broker: broker.url, tree: .servers(try await stage.treeServer().connectString),
                    routes: PlantConfiguration.machineRoutes + """

                          - { name: edges, topic: "spBv1.0/#", payload: sparkplug }
                        sparkplug: { hostId: scada }
                        """)
                let heard = Mutex<[HostStatePayload]>([])
                let edge = try await BrokerLink(
                    port: broker.port, clientID: "edge", subscriptions: ["spBv1.0/STATE/scada"]
                ) { message in
                    if let state = HostStatePayload(message.payload.span) { heard.withLock { $0.append(state) } }
                }
                stage.onEnd { await edge.close() }
                @Sendable func states() -> [HostStatePayload] { heard.withLock { $0 } }
                func online(after timestamp: Int64) async throws -> Int64 {
                    try await eventuallyValue("online", within: .seconds(20), seen: { "\(states())" }) {
                        states().last.flatMap { $0.isOnline && $0.timestamp > timestamp ? $0.timestamp : nil }
                    }
                }
                let gateways = [
                    "gw-a": try stage.gateway("gw-a", configuration), "gw-b": try stage.gateway("gw-b", configuration),
                ]
                let reader = try await stage.reader(configuration)
                try await Conditions.standing(["gw-a", "gw-b"], reader)
                let first = try await online(after: 0)

                // when the active gateway is killed,
                let killed = try #require(try await reader.activeProcessor()?.gateway)
                await gateways[killed]?.kill9()
                // then its will says offline, and the other one is online with a larger timestamp; that is also what is retained.
                let second = try await online(after: first)
                try await eventually("the will", within: .seconds(20), seen: { "\(states())" }) {
                    states().contains(HostStatePayload(isOnline: false, timestamp: first))
                }
                let retained = Mutex<[HostStatePayload]>([])
                try await eventually("online is retained", within: .seconds(20), seen: { "\(states())" }) {
                    let late = try await BrokerLink(
                        port: broker.port, clientID: "late", subscriptions: ["spBv1.0/STATE/scada"]
                    ) { message in
                        if let state = HostStatePayload(message.payload.span) { retained.withLock { $0.append(state) } }
                    }
                    try? await eventually("it has it", within: .seconds(5)) { retained.withLock { !$0.isEmpty } }
                    await late.close()
                    return retained.withLock { $0.last } == HostStatePayload(isOnline: true, timestamp: second)
                }

                // When the active gateway is stopped, and another one is there,
                try gateways[killed]?.start()
                try await Conditions.standing(["gw-a", "gw-b"], reader)
                let stopped = try #require(try await reader.activeProcessor()?.gateway)
                #expect(stopped != killed)
                await gateways[stopped]?.stop()
                // then the edge node has seen nothing but online.
                let third = try await online(after: second)
                // An older offline it does not believe.
                #expect(!states().contains { !$0.isOnline && $0.timestamp >= second }, "\(states())")

                // When the last one is stopped, then it says offline.
                await gateways[killed]?.stop()
                try await eventually("offline", within: .seconds(20), seen: { "\(states())" }) {
                    states().last.map { !$0.isOnline && $0.timestamp >= third } ?? false
                }
            }
        }
    }
}
