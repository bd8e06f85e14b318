import Logging
import MQTT
import Plant
import PlantConfiguration
import Synchronization
import TestFixtures
import Testing

@testable import Gateway

@Suite("Ingest")
struct IngestLoopTests {
    /// A gateway's ingest with a scripted broker on both sides and a clock that stands still.
    struct Bed: Sendable {
        static let topic = "factory/l1/m1/temperature"
        static let echo = "linekeeper/p/gateways/g/echo"

        let clock = FakeClock()
        let source = ScriptedSource()
        let publisher = ScriptedBroker()
        let gate: AcknowledgementGate
        let wakes = ServiceWakes(deliveries: [])
        let plant: PlantState
        let hearing: Hearing<ScriptedSource>
        let answers = Collected<String>()
        let hung = Collected<String>()
        let isTreeConnected = Flag(true)
        let isAlone = Flag(false)

        init(onDelay: Milliseconds = 0) throws {
            let logger = TestTree.logger
            gate = AcknowledgementGate { [source] in source.acknowledge(through: $0) }
            let configuration = try Self.configuration(onDelay: onDelay)
            plant = try PlantState(
                configuration.plant, limits: configuration.local.limits,
                answerFilters: [try TopicFilter("factory/+/+/ack")], echoTopic: Self.echo, clock: GatewayClock(clock),
                logger: logger)
            hearing = Hearing(
                source: source, publisher: publisher, topic: Self.echo, hung: { [hung] why, _ in hung.append(why) },
                clock: GatewayClock(clock))
        }

        private static func configuration(onDelay: Milliseconds) throws -> GatewayConfiguration {
            let fixture = try ConfigurationFixture([
                "linekeeper.yaml": """
                plant: p
                gateway: g
                mqtt: { broker: mqtt://127.0.0.1:1 }
                tree: { ensemble: 127.0.0.1:2 }
                routes:
                  - { name: m, topic: "factory/{l}/{m}/{k}", device: "factory/{l}/{m}", payload: json, value: /v, time: /ts }
                alarms:
                  - { name: hot, tags: factory/+/+/temperature, high: { limit: 85, priority: high }, onDelay: \(onDelay)ms }
                """
            ])
            return try fixture.load()
        }

        /// Runs the services while `body` does.
        func run(_ body: @Sendable () async throws -> Void) async throws {
            let ingest = IngestLoop(
                source: source, plant: plant, hearing: hearing, gate: gate, wakes: wakes,
                isTreeConnected: { isTreeConnected.value },
                answer: { topic, payload, _ in answers.append(String(decoding: topic + [32] + payload, as: UTF8.self))
                },
                pendingHold: .seconds(10), isActive: { true }, isAlone: { isAlone.value }, clock: GatewayClock(clock),
                logger: TestTree.logger)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await ingest.run() }
                group.addTask { try await hearing.run() }
                source.set(.connected(sessionPresent: false))
                try await body()
                group.cancelAll()
                source.finish()
            }
        }

        func receive(_ value: Double, after: Milliseconds = 0) {
            source.receive([(Self.topic, #"{"v":\#(value),"ts":\#(clock.wall + after)}"#)], at: clock.wall + after)
        }

        /// Lets the time of the ingest go on, tick by tick.
        func pass(_ time: Duration) async throws {
            for _ in 0..<Int(time / IngestClockwork.tick) {
                try await eventually("the ingest waits for its tick") { clock.sleeperCount > 0 }
                clock.advance(by: IngestClockwork.tick)
            }
            try await eventually("the ingest waits for its tick") { clock.sleeperCount > 0 }
        }

        /// The broker brings the newest echo back.
        func echo() async throws {
            let message = try await eventuallyValue("an echo") { publisher.messages(on: Self.echo).last }
            source.receive([(Self.echo, message.text)], at: clock.wall)
        }

        var transitions: [String] {
            plant.proposals(limit: 100, epoch: 1).proposals.map { "\($0.transition) \($0.at - 1_767_225_600_000)" }
        }
    }

    /// A truth that a test changes.
    final class Flag: Sendable {
        private let state: Mutex<Bool>
        init(_ value: Bool) { state = Mutex(value) }
        var value: Bool { state.withLock { $0 } }
        func set(_ value: Bool) { state.withLock { $0 = value } }
    }

    @Test("A delay ends when an echo has come back behind everything that was kept")
    func delay() async throws {
        let bed = try Bed(onDelay: 500)
        try await bed.run {
            bed.receive(90)
            try await eventually("the sample") { bed.plant.newestBatch == 1 }
            try await bed.pass(.milliseconds(450))
            try await bed.echo()
            try await bed.pass(.milliseconds(200))
            #expect(bed.transitions == [])
            try await eventually("an echo sent after the end of the delay") {
                try await bed.pass(.milliseconds(50))
                try await bed.echo()
                return bed.transitions == ["ACT 500"]
            }
        }
    }

    @Test("What was kept during a pause is read before a delay ends")
    func pause() async throws {
        let bed = try Bed(onDelay: 500)
        try await bed.run {
            bed.receive(90)
            try await eventually("the sample") { bed.plant.newestBatch == 1 }
            bed.clock.advance(by: .milliseconds(900))
            try await bed.pass(.milliseconds(100))
            bed.receive(50, after: -900)
            try await bed.echo()
            try await bed.pass(.seconds(1))
            #expect(bed.transitions == [])
        }
    }

    @Test("Without echoes a lone gateway raises after ten seconds; one among others leaves it to them")
    func unheard() async throws {
        let bed = try Bed(onDelay: 500)
        try await bed.run {
            bed.receive(90)
            try await eventually("the sample") { bed.plant.newestBatch == 1 }
            try await bed.pass(.seconds(12))
            #expect(bed.transitions == [])
            #expect(bed.hung.all.count == 1, "a connection that delivers nothing is given up once")
            bed.isAlone.set(true)
            try await bed.pass(.milliseconds(100))
            #expect(bed.transitions == ["ACT 500"])
        }
    }

    @Test("While the tree is away the broker's messages are let go; afterwards a batch waits until it is durable")
    func acknowledgements() async throws {
        let bed = try Bed()
        try await bed.run {
            bed.isTreeConnected.set(false)
            bed.receive(20)
            try await eventually("the acknowledgement") { bed.source.acknowledged == 1 }
            bed.isTreeConnected.set(true)
            bed.receive(21)
            try await eventually("the sample") { bed.plant.newestBatch == 2 }
            #expect(bed.source.acknowledged == 1)
            bed.gate.passed(.mirror, through: 2)
            #expect(bed.source.acknowledged == 1)
            bed.gate.passed(.alarms, through: 2)
            #expect(bed.source.acknowledged == 2)
        }
    }

    @Test("What devices answer goes to the commands, and is no sample")
    func answers() async throws {
        let bed = try Bed()
        try await bed.run {
            bed.source.receive([("factory/l1/m1/ack", "ok"), (Bed.topic, "{\"v\":1}")], at: bed.clock.wall)
            try await eventually("the answer") { bed.answers.all == ["factory/l1/m1/ack ok"] }
            #expect(bed.plant.takeChanged(ownedBy: .max, limit: 10).writes.map(\.znodePath) == [Bed.topic])
        }
    }

    @Test("The clockwork tells pauses, disagreement and turns")
    func clockwork() {
        let start = ContinuousClock.now
        var clockwork = IngestClockwork(now: start)
        #expect(clockwork.turn(at: start + .milliseconds(50), isAgreed: true, hold: .seconds(2)) == .init())
        #expect(
            clockwork.turn(at: start + .milliseconds(550), isAgreed: false, hold: .seconds(2))
                == .init(wakesWaiting: true))
        #expect(
            clockwork.turn(at: start + .milliseconds(2500), isAgreed: false, hold: .seconds(2))
                == .init(paused: .milliseconds(1950), wakesWaiting: true))
        #expect(!clockwork.turn(at: start + .milliseconds(3500), isAgreed: false, hold: .seconds(2)).dropsPending)
        #expect(!clockwork.turn(at: start + .milliseconds(4400), isAgreed: false, hold: .seconds(2)).dropsPending)
        #expect(clockwork.turn(at: start + .milliseconds(4501), isAgreed: false, hold: .seconds(2)).dropsPending)
        #expect(!clockwork.turn(at: start + .milliseconds(4600), isAgreed: true, hold: .seconds(2)).dropsPending)
    }
}
