import Testing

@testable import Plant

@Suite("The pace of trimming by age: an hour of the journal in an hour, whatever the wall clock shows")
struct RetentionPaceTests {
    private static let minute: Milliseconds = 60_000
    private static let hour = 60 * minute
    private static let day = 24 * hour
    private static let start: Milliseconds = 1_767_225_600_000
    private static let leap = 3_600 * day

    /// A journal with an entry every ten seconds, and processes that trim it every minute.
    private struct World {
        var monotonic: Milliseconds = 0
        var total: Milliseconds = 0
        var isInDoubt = false
        var term: Int64 = 1
        var pace = RetentionPace()
        var entries: [Milliseconds]

        /// - Parameter age: of the oldest entry.
        init(age: Milliseconds) {
            entries = Array(stride(from: start - age, to: start, by: 10_000))
        }

        mutating func step() {
            let wall = start + monotonic + total
            let limit = wall - day
            let horizon = pace.horizon(
                oldest: entries.first, limit: isInDoubt ? nil : limit, term: term, clockTotal: total, at: monotonic)
            entries.removeAll { $0 < horizon }
        }

        /// Time passes; entries come and go.
        mutating func pass(_ time: Milliseconds) {
            let end = monotonic + time
            while monotonic < end {
                monotonic += minute
                for second in stride(from: 10_000, through: minute, by: 10_000) {
                    entries.append(start + total + monotonic - minute + second)
                }
                step()
            }
        }

        /// Another process takes over.
        mutating func takeOver() {
            pace = RetentionPace()
            term += 1
            total = 0
            step()
        }

        /// What has gone of the journal, in time.
        func gone(of first: Milliseconds) -> Milliseconds { (entries.first ?? first) - first }
    }

    @Test("With a sound clock a day is kept")
    func sound() {
        var world = World(age: 2 * Self.hour)
        world.step()
        world.pass(3 * Self.day)
        #expect(abs(Self.start + 3 * Self.day - Self.day - (world.entries.first ?? 0)) <= 2 * Self.minute)
    }

    @Test("A gap, in which the plant was off or after an entry of long ago, is not waited for")
    func gap() {
        var world = World(age: 2 * Self.hour)
        world.entries.insert(1, at: 0)
        world.entries.insert(Self.start - 30 * Self.day, at: 1)
        world.step()
        world.pass(3 * Self.day)
        #expect(abs(Self.start + 3 * Self.day - Self.day - (world.entries.first ?? 0)) <= 2 * Self.minute)
    }

    @Test("A leap to 2036 that nobody doubts any more removes what time passes, and the way back nothing")
    func leapForward() {
        var world = World(age: Self.day)
        world.step()
        let first = world.entries[0]
        world.pass(10 * Self.minute)
        #expect(world.gone(of: first) <= 10 * Self.minute)
        world.total = Self.leap
        world.isInDoubt = true
        world.pass(Self.minute)
        world.isInDoubt = false
        world.pass(Self.hour)
        #expect(world.gone(of: first) <= Self.hour + 12 * Self.minute)
        #expect(world.gone(of: first) >= Self.hour)
        let before = world.entries.first
        world.total = 0
        world.isInDoubt = true
        world.pass(Self.minute)
        #expect(world.entries.first == before)
    }

    @Test("A leap back removes nothing, and trimming goes on after it")
    func leapBack() {
        var world = World(age: Self.day)
        world.step()
        let first = world.entries[0]
        world.total = -40 * 365 * Self.day
        world.pass(Self.hour)
        #expect(world.gone(of: first) == 0)
        world.total = 0
        world.pass(2 * Self.hour)
        #expect((Self.hour...2 * Self.hour).contains(world.gone(of: first)))
    }

    @Test("Processes that take over in turn, each under a clock of its own, remove no more than one")
    func inTurn() {
        var world = World(age: 3 * Self.day)
        let first = world.entries[0]
        for turn in 0..<30 {
            world.takeOver()
            if turn % 2 == 1 { world.total = Self.leap }
            world.pass(2 * Self.minute)
        }
        #expect(world.gone(of: first) <= Self.hour)
        // One that lost its term and has it again: another may have trimmed meanwhile.
        world.total = 0
        world.takeOver()
        let own = world.entries.first ?? 0
        world.monotonic += Self.hour
        world.term += 1
        world.step()
        #expect(world.entries.first == own)
    }

    @Test("A start under a wrong clock that is set right")
    func wrongStart() {
        var world = World(age: 2 * Self.day)
        world.total = -56 * 365 * Self.day
        world.step()
        world.pass(Self.hour)
        #expect(world.entries.first == Self.start - 2 * Self.day)
        world.total = 0
        world.pass(Self.hour)
        #expect((58 * Self.minute...Self.hour).contains(world.gone(of: Self.start - 2 * Self.day)))
    }

    @Test("Nothing traps, whatever is shown", arguments: [Milliseconds.min, -1, 0, .max], [Milliseconds.min, 0, .max])
    func extremes(oldest: Milliseconds, limit: Milliseconds) {
        var pace = RetentionPace()
        for now in [Milliseconds.min, 0, .max, .min] {
            let horizon = pace.horizon(oldest: oldest, limit: limit, term: 1, clockTotal: 0, at: now)
            #expect(horizon <= limit)
        }
    }
}

@Suite("Which entries of the journal may go")
struct JournalTrimmingTests {
    /// Lets entries of these ages, in minutes before now, pass by; how many of the oldest go.
    private func gone(_ ages: [Milliseconds?], capacity: Int, horizon age: Milliseconds, fillers: Int = 0) -> Int {
        let now: Milliseconds = 1_767_225_600_000
        var trimming = JournalTrimming(
            total: ages.count + fillers, capacity: capacity, horizon: now - age * 60_000, at: now)
        var gone = 0
        for (index, age) in ages.enumerated() {
            switch trimming.judge(age.map { now - $0 * 60_000 }) {
            case .goes: gone = index + 1
            case .undecided: continue
            case .stays: return gone
            }
        }
        return gone
    }

    @Test("By age, but the newest thousand stay")
    func floor() {
        let ages = Array(repeating: Milliseconds(2_000), count: 1_500)
        #expect(gone(ages, capacity: 10_000, horizon: 1_440) == 500)
        #expect(gone(Array(ages.prefix(1_000)), capacity: 10_000, horizon: 1_440) == 0)
    }

    @Test("By number, whatever the age; the number that is configured is then the floor, too")
    func number() {
        #expect(gone(Array(repeating: 1, count: 30), capacity: 10, horizon: 1_440) == 20)
        #expect(gone(Array(repeating: 9_000, count: 30), capacity: 10, horizon: 1_440) == 20)
        #expect(gone([], capacity: 10, horizon: 0) == 0)
    }

    @Test("An entry that was dated ahead goes with its neighbours; a young one ends it")
    func ahead() {
        #expect(gone([-5_000, 2_000, 1_000], capacity: 10_000, horizon: 1_440, fillers: 1_000) == 2)
        #expect(gone([2_000, -5_000, -4_000, 10, 3_000], capacity: 10_000, horizon: 1_440, fillers: 1_000) == 1)
        #expect(gone([nil, 2_000, nil, nil], capacity: 10_000, horizon: 1_440, fillers: 1_000) == 2)
    }
}

@Suite("Which finished commands may go")
struct HistoryRetentionTests {
    private typealias Item = HistoryRetention.Item

    @Test("the old; of too many what was refused; what was carried out only beyond its own maximum")
    func trimming() {
        var retention = HistoryRetention()
        retention.count = 3
        retention.maximum = 5
        let executed = (0..<5).map { Item(name: "e\($0)", finishedAt: 900 + Milliseconds($0)) }
        let refused = (0..<100).map { Item(name: "r\($0)", finishedAt: 1_000 + Milliseconds($0), isRefused: true) }
        let old = [Item(name: "o1", finishedAt: 50), Item(name: "o0", finishedAt: 10, isRefused: true)]
        #expect(retention.trimmable(executed + old, before: 100) == ["o0", "o1"])
        #expect(retention.trimmable(executed + refused, before: .min) == (0..<100).map { "r\($0)" })
        #expect(retention.trimmable(executed.prefix(2) + refused, before: .min) == (0..<99).map { "r\($0)" })
        let tooMany = executed + [Item(name: "e5", finishedAt: 905)]
        #expect(retention.trimmable(tooMany + refused.prefix(1), before: .min) == ["e0", "r0"])
        #expect(retention.trimmable([], before: .max) == [])
    }

    @Test("an id is kept for 48 hours, or for as long as the journal when that is longer")
    func age() {
        var retention = HistoryRetention()
        #expect(retention.commandAge == 48 * 3_600_000)
        retention.age = 720 * 3_600_000
        #expect(retention.commandAge == retention.age)
    }
}
