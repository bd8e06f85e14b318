import Primitives
import TestFixtures
import Testing

@testable import Plant

@Suite("Devices that flap")
struct DeviceFlappingTests {
    private static let rule = FlappingRule(losses: 3, within: 60_000, steadyFor: 10_000)

    /// One device that is there, or is not.
    struct Fixture {
        var table = DeviceTable()
        let device: DeviceID
        var now: Milliseconds = 1_000_000
        var isDeaf = false
        var turns: [DeviceTurn] = []

        init(_ rules: DeviceRules = DeviceRules(flapping: .rule(DeviceFlappingTests.rule))) throws {
            let interned = table.intern(try TagPath("m"), route: "r", rules: rules, at: now)
            device = try #require(interned).id
            hear()
        }

        var state: DeviceState { table.state(of: device).state }
        var isFlapping: Bool { table.flappingSince(device) != nil }

        mutating func hear() {
            if let state = table.heard(device, at: now) { turns.append(.counts(as: state)) }
        }

        mutating func lose() {
            if let turn = table.presence(device, isOnline: false, at: now) { turns.append(turn) }
        }

        mutating func pass(_ time: Milliseconds) {
            let end = now + time
            while now < end {
                now = min(end, now + 250)
                var turns: [(device: DeviceID, turn: DeviceTurn)] = []
                table.expire(at: now, isDeaf: isDeaf, into: &turns)
                self.turns += turns.map(\.turn)
            }
        }

        /// Goes and comes, so many times, and is gone in the end.
        mutating func flap(_ losses: Int, every interval: Milliseconds = 2_000) {
            for loss in 0..<losses {
                if loss > 0 {
                    pass(interval / 2)
                    hear()
                    pass(interval / 2)
                }
                lose()
            }
        }
    }

    @Test("two losses of three are told as they come; the third makes the device flap, and is told as well")
    func begins() throws {
        var fixture = try Fixture()
        fixture.flap(2)
        #expect(!fixture.isFlapping)
        fixture.pass(1_000)
        fixture.hear()
        #expect(fixture.state == .online)
        fixture.turns = []
        fixture.lose()
        #expect(fixture.turns == [.counts(as: .offline)])
        #expect(fixture.isFlapping && fixture.state == .offline)
        #expect(fixture.table.flappingSince(fixture.device) == fixture.now)
        #expect(fixture.table.state(of: fixture.device).since == fixture.now)
        #expect(fixture.table.takeFlappingNews() == [.init(device: fixture.device, hasBegun: true)])
        #expect(fixture.table.takeFlappingNews() == [])
    }

    @Test(
        "losses that are further apart than within do not count together", arguments: [(60_000, true), (60_004, false)])
    func within(span: Milliseconds, flaps: Bool) throws {
        var fixture = try Fixture()
        fixture.flap(3, every: span / 2)
        #expect(fixture.isFlapping == flaps)
    }

    @Test("while it flaps, coming back is told only once it has lasted, going away changes nothing that is told")
    func damped() throws {
        var fixture = try Fixture()
        fixture.flap(3)
        fixture.turns = []
        for _ in 0..<20 {
            fixture.pass(500)
            fixture.hear()
            #expect(fixture.table.isThere(fixture.device) && fixture.state == .offline)
            fixture.pass(9_500)
            fixture.lose()
        }
        #expect(fixture.turns == Array(repeating: .lostAgain, count: 20))
        fixture.turns = []
        fixture.pass(500)
        fixture.hear()
        fixture.pass(9_750)
        #expect(fixture.turns == [] && fixture.state == .offline)
        fixture.pass(250)
        #expect(fixture.turns == [.counts(as: .online)])
        #expect(!fixture.isFlapping && fixture.state == .online)
        #expect(fixture.table.state(of: fixture.device).since == fixture.now - 10_000, "since it has been there")
        #expect(fixture.table.takeFlappingNews().map(\.hasBegun) == [true, false])
    }

    /// Given a connection to the broker that is lost again and again, when the device's next message is not there at once, then
    /// that is no loss: nobody knows what the device did meanwhile.
    @Test("a silence that began before this gateway heard the broker is no loss, though its end comes afterwards")
    func silenceAcrossOutage() throws {
        var fixture = try Fixture(DeviceRules(staleAfter: 5_000, flapping: .rule(Self.rule)))
        for _ in 0..<5 {
            fixture.hear()
            fixture.isDeaf = true
            fixture.pass(4_000)
            fixture.isDeaf = false
            fixture.table.heardAgain(at: fixture.now)
            fixture.pass(2_000)
            #expect(fixture.state == .stale)
        }
        #expect(!fixture.isFlapping)
        // After a pause of the process it is still the same silence, and after a leap of the clock the next one is another.
        fixture.hear()
        fixture.now += 1_000
        fixture.table.heardAgain(at: fixture.now)
        fixture.now += 20_000
        fixture.table.forgiveSilence(20_000, at: fixture.now)
        fixture.pass(6_000)
        #expect(fixture.state == .stale)
        fixture.now -= 3_600_000
        fixture.table.clockLeapt(by: -3_600_000)
        for loss in 1...3 {
            #expect(!fixture.isFlapping)
            fixture.hear()
            fixture.pass(6_000)
            #expect(fixture.isFlapping == (loss == 3))
        }
    }

    @Test("a word that the broker had kept is no loss: each new connection hears it again")
    func keptWord() throws {
        var fixture = try Fixture()
        for _ in 0..<5 {
            fixture.pass(1_000)
            let turn = fixture.table.presence(fixture.device, isOnline: false, isKept: true, at: fixture.now)
            #expect(turn == .counts(as: .offline) && fixture.state == .offline)
            fixture.hear()
        }
        #expect(!fixture.isFlapping && fixture.state == .online)
    }

    @Test("losses before an episode count on after it, as long as they are recent")
    func again() throws {
        var fixture = try Fixture()
        fixture.flap(3)
        fixture.hear()
        fixture.pass(10_000)
        #expect(fixture.state == .online)
        fixture.lose()
        #expect(fixture.isFlapping)
        fixture.hear()
        fixture.pass(70_000)
        fixture.lose()
        #expect(!fixture.isFlapping && fixture.state == .offline)
    }

    @Test(
        "away for so long that no loss counts any more, a device does not flap: it is what it is, and comes back at once"
    )
    func away() throws {
        var fixture = try Fixture(DeviceRules(staleAfter: 5_000, flapping: .rule(Self.rule)))
        fixture.flap(3)
        fixture.turns = []
        fixture.pass(59_750)
        #expect(fixture.isFlapping && fixture.turns == [])
        fixture.pass(250)
        #expect(!fixture.isFlapping && fixture.turns == [.counts(as: .offline)])
        fixture.hear()
        #expect(fixture.state == .online)
    }

    @Test("it counts as what it was when it began to flap, stale or offline, however it is lost later")
    func countsAs() throws {
        var fixture = try Fixture(DeviceRules(staleAfter: 5_000, flapping: .rule(Self.rule)))
        for _ in 0..<3 {
            fixture.hear()
            fixture.pass(5_250)
        }
        #expect(fixture.isFlapping && fixture.state == .stale)
        fixture.turns = []
        fixture.lose()
        #expect(fixture.turns == [] && fixture.state == .stale, "it is away already")
        fixture.hear()
        fixture.lose()
        #expect(fixture.turns == [.lostAgain] && fixture.state == .stale)
        fixture.pass(60_000)
        #expect(fixture.turns == [.lostAgain, .counts(as: .offline)])
    }

    @Test("off damps nothing")
    func off() throws {
        var fixture = try Fixture(DeviceRules(flapping: .off))
        fixture.flap(50)
        #expect(!fixture.isFlapping)
        fixture.hear()
        #expect(fixture.state == .online)
    }

    @Test("without a word of the route, five losses within ten minutes flap, and a minute is steady")
    func standard() throws {
        var fixture = try Fixture(DeviceRules())
        fixture.flap(4, every: 150_000)
        #expect(!fixture.isFlapping)
        fixture.hear()
        fixture.pass(150_000)
        fixture.lose()
        #expect(fixture.isFlapping)
        fixture.hear()
        fixture.pass(59_750)
        #expect(fixture.state == .offline)
        fixture.pass(250)
        #expect(fixture.state == .online)
    }

    @Test("of several routes the strictest counts, and off before all, whichever is heard first")
    func joined() {
        let one = FlappingDamping.rule(FlappingRule(losses: 3, within: 10, steadyFor: 20))
        let other = FlappingDamping.rule(FlappingRule(losses: 5, within: 60, steadyFor: 5))
        let both = FlappingDamping.rule(FlappingRule(losses: 3, within: 60, steadyFor: 20))
        for (left, right, expected) in [
            (one, other, both), (one, nil, one), (nil, nil, nil), (one, .off, .off), (nil, .off, .off),
        ] as [(FlappingDamping?, FlappingDamping?, FlappingDamping?)] {
            #expect(FlappingDamping.joined(left, right) == expected)
            #expect(FlappingDamping.joined(right, left) == expected)
        }
    }

    @Test("what this gateway could not hear is no loss, and no steadiness")
    func deaf() throws {
        var fixture = try Fixture(DeviceRules(staleAfter: 5_000, flapping: .rule(Self.rule)))
        for _ in 0..<10 {
            fixture.isDeaf = true
            fixture.pass(5_250)
            #expect(fixture.state == .stale)
            fixture.isDeaf = false
            fixture.hear()
        }
        #expect(!fixture.isFlapping && fixture.state == .online)
        fixture.flap(3)
        fixture.hear()
        fixture.isDeaf = true
        fixture.pass(4_000)
        fixture.isDeaf = false
        fixture.table.heardAgain(at: fixture.now)
        fixture.hear()
        for _ in 0..<39 {
            fixture.pass(250)
            fixture.hear()
        }
        #expect(fixture.state == .offline)
        fixture.pass(250)
        #expect(fixture.state == .online)
    }

    @Test(
        "a pause of the process counts neither as steadiness nor as being away, and a leap of the clock changes nothing"
    )
    func pauseAndLeap() throws {
        var fixture = try Fixture()
        fixture.flap(3)
        fixture.hear()
        fixture.pass(5_000)
        fixture.now += 3_600_000
        fixture.table.forgiveSilence(3_600_000, at: fixture.now)
        fixture.pass(4_000)
        #expect(fixture.state == .offline)
        fixture.now += 86_400_000
        fixture.table.clockLeapt(by: 86_400_000)
        fixture.pass(750)
        #expect(fixture.state == .offline)
        fixture.now -= 2 * 86_400_000
        fixture.table.clockLeapt(by: -2 * 86_400_000)
        fixture.pass(250)
        #expect(fixture.state == .online)
    }

    @Test("the next owner goes on damping what the tree calls flapping", arguments: [FlappingDamping?.none, .off])
    func seed(damping: FlappingDamping?) throws {
        var table = DeviceTable()
        let interned = table.intern(try TagPath("m"), rules: DeviceRules(flapping: damping), at: 0)
        let id = try #require(interned).id
        table.seed(id, state: .stale, since: 500, flappingSince: 400, at: 10_000)
        #expect(table.flappingSince(id) == (damping == .off ? nil : 400))
        let state = table.heard(id, at: 11_000)
        #expect(state == (damping == .off ? .online : nil))
        guard damping == nil else { return }
        #expect(table.state(of: id) == (.stale, 500))
        var turns: [(device: DeviceID, turn: DeviceTurn)] = []
        table.expire(at: 70_999, into: &turns)
        #expect(turns.isEmpty)
        table.expire(at: 71_000, into: &turns)
        #expect(turns.map(\.turn) == [.counts(as: .online)])
        // One that is online does not flap, whatever a record says.
        table.seed(id, state: .online, since: 1, flappingSince: 1, at: 80_000)
        #expect(table.flappingSince(id) == nil && table.state(of: id).state == .online)
    }

    @Test("a device that was removed is forgotten, with its losses")
    func forgotten() throws {
        var fixture = try Fixture()
        fixture.flap(3)
        fixture.table.forget(fixture.device)
        #expect(!fixture.isFlapping)
        fixture.hear()
        #expect(fixture.state == .online)
        fixture.lose()
        #expect(!fixture.isFlapping)
    }

    @Test("only devices that were lost lately are remembered")
    func memory() {
        var flapping = DeviceFlapping()
        for number in 0..<1_000 {
            flapping.lost(DeviceID(rawValue: UInt32(number)), as: .stale, rule: Self.rule, at: 0)
        }
        #expect(flapping.count == 1_000)
        for now in stride(from: Milliseconds(0), through: 200_000, by: 250) {
            if now == 50_000 { flapping.lost(DeviceID(rawValue: 7), as: .stale, rule: Self.rule, at: now) }
            #expect(flapping.advance(to: now) == [])
        }
        #expect(flapping.count == 0)
        for number in 0..<10_000 {
            flapping.lost(DeviceID(rawValue: 1), as: .stale, rule: .init(losses: 100), at: Milliseconds(number))
        }
        #expect(flapping.begun == 10_000 - 99, "the table asks only of devices that do not flap")
    }

    @Test("times that no clock shows trap nothing")
    func extremes() throws {
        for number in [1, .max] as [Milliseconds] {
            let rule = FlappingRule(losses: 2, within: number, steadyFor: number)
            var fixture = try Fixture(
                DeviceRules(staleAfter: number, heartbeat: number, flapping: .rule(rule)))
            for now in [0, .max, .min, -1, .max, 1] as [Milliseconds] {
                fixture.now = now
                for _ in 0..<3 {
                    fixture.hear()
                    fixture.lose()
                }
                var turns: [(device: DeviceID, turn: DeviceTurn)] = []
                fixture.table.expire(at: now, into: &turns)
                fixture.table.forgiveSilence(.max, at: now)
                fixture.table.clockLeapt(by: .max)
                fixture.table.clockLeapt(by: .min)
                fixture.table.heardAgain(at: now)
            }
        }
    }

    /// Whatever a device does: going away is told at once, an episode costs two writes, and a device that stays is online after
    /// `steadyFor`.
    @Test("At random", arguments: 0..<60)
    func walk(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let rule = FlappingRule(
            losses: Int.random(in: 2...6, using: &random),
            within: Milliseconds.random(in: 5...120, using: &random) * 1_000,
            steadyFor: Milliseconds.random(in: 1...30, using: &random) * 1_000)
        var fixture = try Fixture(
            DeviceRules(
                staleAfter: seed % 3 == 0 ? nil : 5_000, heartbeat: seed % 4 == 0 ? 8_000 : nil, flapping: .rule(rule)))
        fixture.turns = []
        var lossesOfOnline: [Milliseconds] = []
        var episodeWrites: Int?
        var backSince = fixture.now
        for step in 0..<1_500 {
            let wasThere = fixture.table.isThere(fixture.device)
            let before = (state: fixture.state, isFlapping: fixture.isFlapping)
            switch Int.random(in: 0..<10, using: &random) {
            case 0...3: fixture.hear()
            case 4...5: fixture.lose()
            default: fixture.pass(250)
            }
            let isThere = fixture.table.isThere(fixture.device)
            let comment: Comment = "seed \(seed), step \(step), \(rule)"
            if isThere, !wasThere { backSince = fixture.now }
            #expect(isThere || fixture.state != .online, comment)
            #expect(before.state == .online || fixture.state != .online || isThere, comment)
            if wasThere, !isThere {
                #expect(fixture.turns.count == 1, comment)
                if before.state == .online { lossesOfOnline.append(fixture.now) }
            }
            if fixture.isFlapping, !before.isFlapping {
                let counted = lossesOfOnline.filter { fixture.now - $0 <= rule.within }.count
                #expect(counted >= rule.losses && fixture.state != .online, comment)
                episodeWrites = 0
            } else if !fixture.isFlapping, before.state == .online, fixture.state != .online {
                let counted = lossesOfOnline.filter { fixture.now - $0 <= rule.within }.count
                #expect(counted < rule.losses, comment)
            }
            for case .counts in fixture.turns { episodeWrites = episodeWrites.map { $0 + 1 } }
            fixture.turns = []
            if !fixture.isFlapping, before.isFlapping {
                #expect(episodeWrites == 2, comment)
                episodeWrites = nil
            }
            if isThere {
                let steady = fixture.now - backSince
                #expect(!fixture.isFlapping || steady < rule.steadyFor + 250, comment)
                #expect(fixture.isFlapping || fixture.state == .online, comment)
            }
        }
        fixture.hear()
        for _ in 0..<(rule.steadyFor / 250) {
            fixture.pass(250)
            fixture.hear()
        }
        #expect(fixture.state == .online && !fixture.isFlapping)
    }
}
