import MQTT
import Plant
import TestFixtures
import Testing

@testable import Gateway

@Suite("Hearing")
struct HearingTests {
    private static let topic = "linekeeper/p/gateways/g/echo"

    private struct Bed: Sendable {
        let clock = FakeClock()
        let source = ScriptedSource()
        let publisher = ScriptedBroker()
        let hung = Collected<String>()
        let hearing: Hearing<ScriptedSource>

        init() {
            hearing = Hearing(
                source: source, publisher: publisher, topic: HearingTests.topic,
                hung: { [hung] why, _ in hung.append(why) },
                clock: GatewayClock(clock))
        }

        /// Runs the service, subscribed, while `body` does.
        func run(_ body: @Sendable (Collected<Bool>) async throws -> Void) async throws {
            let silences = Collected<Bool>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await hearing.run() }
                group.addTask { await silences.follow(hearing.silence) }
                source.set(.connected(sessionPresent: false))
                try await echoes(1)
                try await body(silences)
                group.cancelAll()
            }
        }

        /// Turns until so many echoes have left.
        func echoes(_ count: Int) async throws {
            try await eventually("\(count) echoes") {
                hearing.turn(isWanted: true)
                return publisher.attempts.count >= count
            }
        }

        func bringBack() throws -> Milliseconds? {
            hearing.echoReceived(try #require(publisher.messages(on: HearingTests.topic).last).payload)
        }
    }

    @Test("A broker that brings no echo back is given up, and counts as silent until it does")
    func silence() async throws {
        let bed = Bed()
        try await bed.run { silences in
            for _ in 0..<29 {
                bed.clock.advance(by: .seconds(1))
                bed.hearing.turn(isWanted: true)
            }
            try await eventually("silence") { silences.all == [true] }
            #expect(bed.hearing.isSilent)
            #expect(bed.hung.all.count == 1)
            // A connection in between proves nothing.
            bed.source.set(.connecting)
            bed.source.set(.connected(sessionPresent: true))
            #expect(bed.hearing.isSilent)
            // One of the former connection may still be on its way.
            try await eventually("an echo that proves something") {
                bed.hearing.turn(isWanted: true)
                return try bed.bringBack() == bed.clock.wall
            }
            try await eventually("the end of the silence") { silences.all == [true, false] }
            #expect(!bed.hearing.isSilent)
        }
    }

    @Test("An echo proves the moment at which it left, also when its publication failed at first")
    func proof() async throws {
        let bed = Bed()
        try await bed.run { _ in
            let sent = bed.clock.wall
            bed.clock.advance(by: .milliseconds(300))
            #expect(try bed.bringBack() == sent)
            bed.publisher.setConnected(false)
            bed.hearing.turn(isWanted: true)
            bed.clock.advance(by: .seconds(1))
            bed.publisher.setConnected(true)
            let again = bed.clock.wall
            try await bed.echoes(2)
            #expect(try bed.bringBack() == again)
        }
    }

    @Test("A broker that delivers, or refuses the echoes by name, is left alone after the first time")
    func refusals() async throws {
        for delivers in [true, false] {
            let bed = Bed()
            if !delivers { bed.publisher.refuse(Self.topic) }
            try await bed.run { _ in
                for second in 0..<290 {
                    bed.clock.advance(by: .seconds(1))
                    if delivers, second == 20 { bed.hearing.delivered(areRetained: false) }
                    bed.hearing.turn(isWanted: true)
                    // Its refusal has been heard.
                    if second == 1 { try await bed.echoes(3) }
                }
                #expect(bed.hearing.isSilent)
                #expect(bed.hung.all.count == 1)
            }
        }
    }

    @Test("While no echo can be published the broker owes none")
    func publisherAway() async throws {
        let bed = Bed()
        try await bed.run { _ in
            #expect(try bed.bringBack() != nil)
            bed.publisher.setConnected(false)
            for _ in 0..<60 {
                bed.clock.advance(by: .seconds(1))
                bed.hearing.turn(isWanted: true)
            }
            #expect(!bed.hearing.isSilent && bed.hung.all.isEmpty)
            bed.publisher.setConnected(true)
            try await bed.echoes(2)
            #expect(try bed.bringBack() == bed.clock.wall)
        }
    }

    @Test(
        "An access list that does not allow the echoes does not cost the connection that they are published on",
        arguments: [MQTTProtocolVersion.v311, .v5])
    func accessList(version: MQTTProtocolVersion) async throws {
        let folder = try makeTemporaryFolder("acl")
        defer { removeAll(folder) }
        try writeTextFile("\(folder)/acl", "topic readwrite allowed/#\ntopic read \(Self.topic)\n")
        var options = Mosquitto.Options()
        options.extra = ["acl_file \(folder)/acl"]
        let broker = try await Mosquitto(options)
        func client(_ id: String, _ subscriptions: [MQTTSubscription] = []) throws -> MQTTClient {
            var configuration = MQTTClient.Configuration(broker: try MQTTBroker(url: broker.url), clientID: id)
            configuration.protocolVersion = version
            return MQTTClient(configuration: configuration, subscriptions: subscriptions, logger: TestTree.logger)
        }
        let subscriber = try client("listening", [MQTTSubscription(filter: Self.topic)])
        let publisher = try client("publishing")
        let hung = Collected<String>()
        let hearing = Hearing(
            source: subscriber, publisher: publisher, topic: Self.topic, times: .init(hungAfter: .seconds(4)),
            hung: { why, _ in hung.append(why) }, clock: .system)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in [subscriber, publisher] { group.addTask { try await client.run() } }
            group.addTask { try await hearing.run() }
            try await subscriber.waitUntilSubscribed(timeout: .seconds(10))
            var (connections, since) = (UInt64(0), ContinuousClock.now)
            // Otherwise a silent broker gets one after four seconds.
            try await eventually(
                "six seconds on one connection", within: .seconds(80), every: .milliseconds(20),
                seen: { "\(connections) connections; \(broker.log.suffix(3_000))" }
            ) {
                hearing.turn(isWanted: true)
                if publisher.statistics.connections != connections {
                    (connections, since) = (publisher.statistics.connections, .now)
                }
                return hearing.isSilent && ContinuousClock.now - since >= .seconds(6)
            }
            #expect(publisher.connectionState.isConnected)
            #expect(subscriber.statistics.connections == 1)
            try await publisher.publish(topic: "allowed/a", payload: [])
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    @Test("Nothing is asked for before the subscriptions of a connection stand")
    func subscriptions() async throws {
        let bed = Bed()
        for _ in 0..<20 {
            bed.clock.advance(by: .seconds(1))
            bed.hearing.turn(isWanted: true)
        }
        #expect(!bed.hearing.isSilent)
        #expect(bed.hung.all.isEmpty)
    }
}
