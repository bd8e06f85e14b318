import Plant
import Primitives
import TestFixtures
import Testing

@Suite("DeathHints: the broker's word about a death")
struct DeathHintsTests {
    private let b = GatewayLife(gateway: "b", key: "1")

    private func member(_ life: GatewayLife, _ registration: Int64) -> GatewayMember {
        GatewayMember(
            name: life.gateway, life: life, registration: registration, isReady: true, isSettled: true,
            routesDigest: nil)
    }

    /// Hints that know one other gateway, `b`.
    private func hints(_ rule: DeathHints.Rule = .init()) -> DeathHints {
        var hints = DeathHints(gateway: "a", rule: rule)
        hints.membersSeen([member(b, 10)], at: 0)
        return hints
    }

    @Test("the first hint about a life is acted on at once, and again as long as its registration stands")
    func first() {
        var hints = hints()
        #expect(hints.hinted(b, at: 5) == .remove(b, registration: 10))
        #expect(hints.hinted(b, at: 6) == .remove(b, registration: 10))
        hints.membersSeen([], at: 7)
        #expect(hints.hinted(b, at: 8) == .none)
    }

    @Test("a gateway that is killed twice is replaced as fast the second time")
    func twice() {
        var hints = hints()
        #expect(hints.hinted(b, at: 5) == .remove(b, registration: 10))
        let next = GatewayLife(gateway: "b", key: "2")
        hints.membersSeen([member(next, 20)], at: 100)
        #expect(hints.hinted(next, at: 200) == .remove(next, registration: 20))
    }

    @Test("a false hint makes further ones need evidence; a sign of life refutes them, silence does not")
    func doubted() {
        var hints = hints()
        _ = hints.hinted(b, at: 0)
        hints.membersSeen([], at: 1)
        hints.membersSeen([member(b, 20)], at: 2)
        #expect(hints.hinted(b, at: 3) == .look(b, after: 0))
        #expect(hints.hinted(b, at: 4) == .none, "one examination at a time")
        #expect(hints.signSeen(b, zxid: 100, at: 5) == .look(b, after: 4_500))
        #expect(hints.signSeen(b, zxid: 101, at: 4_505) == .none)
        #expect(hints.hinted(b, at: 4_600) == .look(b, after: 0))
        #expect(hints.signSeen(b, zxid: 102, at: 4_601) == .look(b, after: 4_500))
        #expect(hints.signSeen(b, zxid: 102, at: 9_101) == .remove(b, registration: 20))
    }

    @Test("also when the absence was too short to be seen")
    func registersQuickly() {
        var hints = hints()
        _ = hints.hinted(b, at: 0)
        hints.membersSeen([member(b, 20)], at: 2)
        #expect(hints.hinted(b, at: 3) == .look(b, after: 0))
    }

    @Test("the doubt lasts a minute, doubles with each false hint, and is never longer than ten")
    func doubling() {
        var hints = hints()
        var registration: Int64 = 10
        var now: Milliseconds = 0
        for doubt in [60, 120, 240, 480, 600, 600] as [Milliseconds] {
            #expect(hints.hinted(b, at: now) == .remove(b, registration: registration))
            registration += 10
            hints.membersSeen([member(b, registration)], at: now)
            var copy = hints
            #expect(copy.hinted(b, at: now + doubt * 1000 - 1) == .look(b, after: 0), "\(doubt)")
            now += doubt * 1000
        }
    }

    @Test("a life that shows no sign at all is left to its session")
    func olderGateway() {
        var hints = hints()
        _ = hints.hinted(b, at: 0)
        hints.membersSeen([member(b, 20)], at: 1)
        _ = hints.hinted(b, at: 2)
        #expect(hints.signSeen(b, zxid: nil, at: 3) == .none)
        #expect(hints.signSeen(b, zxid: 5, at: 3) == .none, "nobody asked")
    }

    @Test("what is kept on the broker about old lives, and what is said about this gateway, changes nothing here")
    func strangers() {
        var hints = hints()
        #expect(hints.hinted(GatewayLife(gateway: "a", key: "9"), at: 0) == .none)
        let old = GatewayLife(gateway: "b", key: "0")
        #expect(hints.hinted(old, at: 0) == .remove(old, registration: nil))
        for number in 0..<5_000 { _ = hints.hinted(GatewayLife(gateway: "x", key: "\(number)"), at: 1) }
        #expect(hints.count == 0)
    }

    @Test("memory is bounded, and what is long gone is forgotten")
    func bounds() {
        var rule = DeathHints.Rule()
        rule.capacity = 10
        var hints = DeathHints(gateway: "a", rule: rule)
        let lives = (0..<50).map { GatewayLife(gateway: "g\($0)", key: "1") }
        hints.membersSeen(lives.map { member($0, 1) }, at: 0)
        for (now, life) in lives.enumerated() { _ = hints.hinted(life, at: Milliseconds(now)) }
        #expect(hints.count == 10)
        hints.membersSeen([], at: 700_000)
        #expect(hints.count == 0)
    }

    @Test("a flood of forged hints removes a living gateway at most once a minute", arguments: 0..<5)
    func flood(seed: UInt64) {
        var dice = SeededRandom(seed: seed)
        var hints = hints()
        var registration: Int64 = 10
        var sign: Int64 = 1_000
        var removals: [Milliseconds] = []
        var looks: [Milliseconds] = []
        for now in stride(from: Milliseconds(0), to: 300_000, by: 100) {
            if now % 2_000 == 0 { sign += 1 }
            var actions: [DeathHints.Action] = []
            if Int.random(in: 0..<2, using: &dice) == 0 { actions.append(hints.hinted(b, at: now)) }
            while let due = looks.first, due <= now {
                looks.removeFirst()
                actions.append(hints.signSeen(b, zxid: sign, at: now))
            }
            for action in actions {
                switch action {
                case .none: break
                case .look(_, let after): looks.append(now + after)
                case .remove(_, let about):
                    #expect(about == registration)
                    removals.append(now)
                    registration += 1
                    hints.membersSeen([member(b, registration)], at: now)
                }
            }
        }
        #expect(removals.count <= 3, "\(removals)")
    }
}
