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
            try await bed.echoes(bed.publisher.attempts.count + 1)
            #expect(try bed.bringBack() == bed.clock.wall)
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
