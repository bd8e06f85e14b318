import Foundation
import JSON
import MQTT
import Plant
import PlantConfiguration
import Primitives
import TestFixtures
import Testing

@testable import Gateway

/// Messages, records and requests changed at random, through everything that reads them in a gateway: nothing traps, what is
/// taken can be written and read again, and nothing grows.
///
/// `LINEKEEPER_LONG=1` plays ten million of them. A failure names the seed and the number of the input.
@Suite("Mutated input")
struct MutationTests {
    private static let start: Milliseconds = 1_767_225_600_000
    private static let times = "\(start)"

    private static func seeds(_ texts: String...) -> Mutator {
        Mutator(seeds: texts.map { Array($0.utf8) })
    }

    // MARK: Messages

    private static let plantFile = """
        routes:
          - name: lines
            topic: factory/{line}/{machine}/{metric}
            device: factory/{line}/{machine}
            payload: json
            value: /v
            time: /ts
            staleAfter: 5s
            deadband: { "factory/+/+/pressure": 0.5 }
            presence: { topic: "factory/{line}/{machine}/status/now", online: up, offline: down }
          - name: several
            topic: site/{room}
            payload: json
            values: { temperature: /t, humidity: /h/0, door: /door }
            time: /at
          - name: beats
            topic: beat/{a}/{b}
            device: beat/{a}
            payload: number
            presence: { topic: "{device}/beat", heartbeat: 1s }
            flapping: { losses: 2, within: 1m, steadyFor: 1s }
          - { name: numbers, topic: "number/{a}/{b}", payload: number }
          - { name: texts, topic: "text/{a}", payload: text }
          - { name: bools, topic: "bool/{a}", payload: bool }
        alarms:
          - { name: hot, tags: "factory/+/+/temperature", high: { limit: 85 }, highHigh: { limit: 95 }, onDelay: 1s, offDelay: 2s, deadband: 2 }
          - { name: cold, tags: "site/+/temperature", low: { limit: 5 } }
          - { name: any, tags: "number/#", high: { limit: 1 }, low: { limit: -1 } }
        limits: { maxTopics: 2000, maxTags: 2000 }

        """

    private static let topics = seeds(
        "factory/line1/m1/temperature", "factory/line1/m2/temperature", "factory/line1/m1/pressure",
        "factory/line1/m1/status/now", "beat/a/beat", "beat/a/v", "site/kitchen", "number/a/b", "text/a", "bool/a",
        "linekeeper/p/gateways/g/echo",
        "linekeeper/gateways/g/broker", "factory/line1/m1/ack")

    private static let payloads = seeds(
        #"{"v":90.5,"ts":\#(times)}"#, #"{"v":"90","ts":"2026-01-01T00:00:00Z"}"#, #"{"v":true,"ts":1767225600}"#,
        #"{"t":21.5,"h":[40,41],"door":"open","at":\#(times)}"#, #"{"v":null}"#, "up", "down", "offline", "", "21.5",
        "-7", "true",
        "ON",
        "text with spaces", #"{"id":"x","status":"ok","message":"done"}"#)

    /// What every gateway does with its plant, on a value that no lock guards.
    private struct World {
        var plant: LivePlant
        var now = MutationTests.start
        var effects = LivePlant.Effects()

        init(limits: IngestLimits, _ definition: PlantDefinition) throws {
            plant = try LivePlant(
                routes: definition.routes, rules: definition.tags,
                alarms: definition.alarms + GatewayFault.alarms, answerFilters: [try TopicFilter("factory/+/+/ack")],
                echoTopic: Array("linekeeper/p/gateways/g/echo".utf8), limits: limits)
        }

        mutating func receive(_ topic: [UInt8], _ payload: [UInt8], retained: Bool) {
            plant.messageReceived(
                topic: topic.span, payload: payload.span, retained: retained, receivedAt: now, effects: &effects)
            effects = LivePlant.Effects()
        }

        /// Time passes, and what is to be written is written and can be read.
        mutating func turn(_ random: inout SeededRandom) -> String? {
            now = now.addingClamped(.random(in: -200...2_000, using: &random))
            _ = plant.advance(to: now, raisesUnheard: .random(using: &random))
            if Bool.random(using: &random) { _ = plant.heard(through: now, at: now) }
            let writes = plant.takeChanged(ownedBy: .max, limit: 100)
            for write in writes where TagRecord(parsing: write.data) == nil {
                return "wrote \(String(decoding: write.data, as: UTF8.self)), which is no tag's record"
            }
            plant.written(writes)
            for proposal in plant.unrecorded(limit: 50).proposals(epoch: 1) {
                let entry = JournalEntry(proposal, gateway: "g", owedBy: [.mqtt]).serialized()
                guard (try? JournalEntry(parsing: entry).alarmTransition()) == proposal else {
                    return "an entry that cannot be read: \(String(decoding: entry, as: UTF8.self))"
                }
                plant.transitionRecorded(proposal.record, isOurs: true, at: now)
            }
            _ = plant.takeChangedDevices(ownedBy: .max, limit: 50)
            return nil
        }
    }

    @Test("messages, on topics as they are and changed")
    func messages() throws {
        let definition = try ConfigurationFixture(["linekeeper.yaml": soundHead + Self.plantFile]).load().plant
        var limits = IngestLimits()
        limits.topics = 2_000
        limits.tags = 2_000
        limits.devices = 2_000
        var world = try World(limits: limits, definition)
        let topics = Self.topicNames
        try play(weight: 0.7) { random, _ in
            let topic =
                Int.random(in: 0..<4, using: &random) == 0
                ? Self.topics.mutant(&random) : topics.randomElement(using: &random) ?? []
            world.receive(topic, Self.payloads.mutant(&random), retained: Int.random(in: 0..<8, using: &random) == 0)
            return Int.random(in: 0..<16, using: &random) == 0 ? world.turn(&random) : nil
        }
        #expect(world.plant.tags.count <= 2_000)
    }

    private static let topicNames = [
        "factory/line1/m1/temperature", "factory/line1/m1/pressure", "factory/line1/m1/status/now", "beat/a/beat",
        "beat/a/v", "site/kitchen",
        "number/a/b", "text/a", "bool/a",
    ].map { Array($0.utf8) }

    // MARK: Records

    private static let tagNodes = seeds(
        #"{"v":90,"q":"good","t":\#(times),"r":\#(times),"u":"°C","d":{"hot":[\#(times),90]}}"#,
        #"{"v":"open","q":"stale","t":1,"r":2}"#)
    private static let devices = seeds(
        #"{"device":"factory/line1/m1","route":"lines","firstSeen":1,"state":"online","since":\#(times)}"#,
        #"{"device":"beat/a","route":"beats","firstSeen":1,"state":"offline","since":\#(times),"flapping":\#(times)}"#)
    private static let alarms = seeds(
        """
        {"alarm":"hot","tag":"factory/line1/m1/temperature","state":"UNACK","condition":"high","priority":"high",\
        "eventId":"e","occurrence":1,"value":90,"limit":85,"since":\(times),"ackBy":"a","ackAt":3,"comment":"c","epoch":4,\
        "changedAt":\(times),"sampledAt":\(times),"revision":7,"unheard":true,"timeUnsure":true,"more":{"a":[1]}}
        """)
    private static let entries = seeds(
        #"{"kind":"operator","at":1,"gateway":"g","epoch":2,"by":"a","text":"b"}"#,
        """
        {"kind":"alarm","at":1,"gateway":"g","epoch":2,"transition":"ACT","record":{"alarm":"hot",\
        "tag":"factory/line1/m1/temperature","state":"UNACK","condition":"high","priority":"high","eventId":"e",\
        "occurrence":1,"value":90,"limit":85,"since":2,"changedAt":5,"sampledAt":6,"revision":7}}
        """)
    private static let statuses = seeds(
        """
        {"gateway":"g","life":"1","at":\(times),"broker":"connected","brokerSince":1,"configurationDigest":"d",\
        "problems":[{"kind":"tags","since":\(times),"text":"no","cause":"noAuth"}],\
        "recovered":[{"kind":"tree","since":1,"until":\(times),"text":"no","cause":"gone"}],"counters":{"x":7}}
        """)
    private static let registrations = seeds(
        """
        {"gateway":"g","host":"h","pid":1,"version":"1","started":\(times),"life":"l","ready":true,"settled":true,\
        "routesDigest":"d","boot":"b","pidNamespace":"4","processStart":5}
        """,
        #"{"gateway":"g","state":"offline","pid":1,"started":\#(times),"life":"l"}"#)

    @Test("records, as they may stand in the tree")
    func records() throws {
        let definition = try ConfigurationFixture(["linekeeper.yaml": soundHead + Self.plantFile]).load().plant
        var world = try World(limits: IngestLimits(), definition)
        try play(weight: 0.2) { random, number in
            if number % 2_000 == 0 { world = try World(limits: IngestLimits(), definition) }
            let text: [UInt8]
            switch Int.random(in: 0..<6, using: &random) {
            case 0:
                text = Self.tagNodes.mutant(&random)
                let path = String(decoding: Self.topics.mutant(&random), as: UTF8.self)
                world.plant.seedTag(znodePath: path, data: text, at: world.now)
                world.plant.takeUp([(path, text)], exceptOf: 0, at: world.now)
            case 1:
                text = Self.devices.mutant(&random)
                if let record = DeviceRecord(data: text) { world.plant.seedDevice(record, at: world.now) }
            case 2:
                text = Self.alarms.mutant(&random)
                if let record = try? AlarmRecord(parsing: text) {
                    guard (try? AlarmRecord(parsing: record.serialized())) == record else { return "not what was read" }
                    world.plant.restoreAlarms([record], at: world.now)
                    _ = world.plant.acknowledge(
                        record.path, eventID: nil, by: Principal(claimed: "a"), comment: nil, at: world.now, epoch: 1)
                }
            case 3:
                text = Self.entries.mutant(&random)
                if let entry = try? JournalEntry(parsing: text) {
                    guard (try? JournalEntry(parsing: entry.serialized())) == entry else { return "not what was read" }
                    if let proposal = try? entry.alarmTransition() {
                        world.plant.transitionRecorded(proposal.record, isOurs: false, at: world.now)
                    }
                }
            case 4:
                text = Self.statuses.mutant(&random)
                if let status = GatewayStatusRecord(parsing: text) {
                    guard GatewayStatusRecord(parsing: status.serialized()) == status else {
                        return "not what was read"
                    }
                    _ = world.plant.statusesRead([status], at: world.now)
                }
            default:
                text = Self.registrations.mutant(&random)
                _ = GatewayRecord(parsing: text, name: "g")
                _ = GatewayNotice(payload: text)
            }
            world.receive(
                Self.topicNames[0], Array(#"{"v":\#(number % 100),"ts":\#(world.now)}"#.utf8), retained: false)
            return world.turn(&random)
        }
    }

    // MARK: Requests

    private static let requests = seeds(
        """
        {"id":"r1","device":"factory/line1/press1","command":"setSpeed","parameters":{"rpm":100},"by":"a","timeout":1000,\
        "deadline":\(times),"requestedAt":\(times)}
        """)
    private static let topicRequests = seeds(
        """
        {"id":"r1","kind":"command","at":\(times),"deadline":\(times),"body":{"device":"factory/line1/press1",\
        "command":"setSpeed","parameters":{"rpm":100},"timeout":1000}}
        """)
    private static let mailed = seeds(
        """
        {"id":"r1","kind":"acknowledge","by":"a","at":\(times),"deadline":\(times),"body":{"tag":"factory/line1/m1/t",\
        "alarm":"hot","eventId":"e","orphaned":true,"comment":"c"},"answer":null}
        """)

    private static func isImpossible(_ request: Request) -> Bool {
        if case .impossible = request.body { true } else { false }
    }

    private static let alarmRequests = seeds(
        """
        {"action":"ack","tag":"factory/line1/m1/temperature","alarm":"hot","eventId":"e","by":"a","comment":"c",\
        "at":\(times),"result":"done","reason":"r"}
        """)
    private static let commands = seeds(
        """
        {"device":"factory/line1/press1","command":"setSpeed","parameters":{"rpm":1},"by":"a","requestedAt":\(times),\
        "deadline":\(times),"timeout":3,"state":"SENT","attempt":3,"sentAt":4,"epoch":5,"execution":"idempotent",\
        "cancelRequestedBy":"b","cancelRequestedAt":6,"finishedAt":7,"detail":"d"}
        """)

    @Test("requests, commands and answers")
    func requests() throws {
        let catalogue = CommandCatalogue(CommandTestBed.definitions)
        var desk = CommandDesk(gateway: "g", catalogue: catalogue)
        var now = Self.start
        try play(weight: 0.1) { random, number in
            if number % 1_000 == 0 {
                desk = CommandDesk(gateway: "g", catalogue: catalogue)
                for shard in 0..<64 { _ = desk.shardGained(shard, epoch: 1, at: now) }
                _ = desk.brokerAvailable(true, at: now)
            }
            var actions: [CommandAction] = []
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                let isOfTopic = Bool.random(using: &random)
                let message = RequestMessage(
                    payload: (isOfTopic ? Self.topicRequests : Self.requests).mutant(&random),
                    topicOf: isOfTopic ? "ann" : nil, receivedAt: now)
                _ = message.requester
                guard let request = try? message.request(), let principal = request.onBehalfOf else { return nil }
                let place = RequestPlace(.mqtt, principal: principal.name, id: request.id)
                guard RequestPlace(path: place.path) == place,
                    let again = try? Request(parsing: request.serialized(), at: place),
                    Self.isImpossible(request) || again == request
                else { return "not what was read" }
                guard let record = request.commandRecord(by: principal) else { return nil }
                actions = desk.seen(record, shard: 0, czxid: Int64(number), version: 0, at: now)
            case 1:
                let text = Self.alarmRequests.mutant(&random)
                let answer = RequestAnswer(.refused, reason: "r", at: now, gateway: "g")
                if AlarmRequest(data: text) != nil {
                    let answered = AlarmRequest(data: AlarmRequest.answering(text, with: answer))
                    guard answered?.isAnswered == true else { return "not answered" }
                }
                let place = RequestPlace(.mailbox, principal: "a", id: "r1")
                let asked = Self.mailed.mutant(&random)
                if (try? Request(parsing: asked, at: place)) != nil {
                    let answered = try? Request(parsing: Request.answering(asked, with: answer), at: place)
                    guard answered?.answer == answer else { return "not answered" }
                }
            case 2:
                let id = "c\(number % 50)"
                guard let record = try? CommandRecord(parsing: Self.commands.mutant(&random), id: id) else {
                    return nil
                }
                actions = desk.seen(record, shard: number % 64, czxid: Int64(number % 50), version: 1, at: now)
            default:
                actions = desk.answerReceived(
                    topic: Array("factory/line1/press1/ack".utf8), payload: Self.payloads.mutant(&random), at: now)
            }
            now = now.addingClamped(.random(in: 0...3_000, using: &random))
            actions += desk.advance(to: now)
            for action in actions {
                switch action {
                case .record(let write):
                    let data = write.record.serialized()
                    guard (try? CommandRecord(parsing: data, id: write.record.id)) == write.record else {
                        return "a record that cannot be read: \(String(decoding: data, as: UTF8.self))"
                    }
                    _ = write.record.journalEntry(from: write.from, at: write.at).serialized()
                    _ = desk.recorded(write.ticket, version: 2, at: now)
                case .publish(let publication):
                    _ = publication.expirySeconds(at: now)
                    _ = desk.published(publication.ticket, .unclear("cut"), at: now)
                case .judge(let ticket, let tags, _):
                    _ = desk.judged(ticket, readings: tags.map { _ in nil }, at: now)
                case .read, .resync: break
                }
            }
            return nil
        }
    }

    // MARK: Playing

    /// - Parameter body: plays one input; says what is wrong.
    private func play(weight: Double, _ body: (inout SeededRandom, Int) throws -> String?) throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededRandom(seed: seed)
        var run = LongRun(usual: 60_000, share: weight)
        for number in 0..<run.inputs {
            run.willPlay(number)
            if let complaint = try body(&random, number) {
                Issue.record("seed \(seed), input \(number): \(complaint)")
                return
            }
        }
        #expect(!run.hasGrown, "seed \(seed)")
    }
}
