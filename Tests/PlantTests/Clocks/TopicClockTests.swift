import Testing

@testable import Plant

/// The machine alone: which messages contradict, and what ends a doubt.
@Suite("The clock behind a topic")
struct TopicClockTests {
    /// One topic, driven by how late its messages are.
    struct Driver {
        var clock = TopicClock()
        var now: Milliseconds = 1_000_000
        /// Until when everything is proved to be read; nil: until just now.
        var heardThrough: Milliseconds?

        /// A message arrives now whose time is that long ago.
        @discardableResult
        mutating func message(late: Milliseconds, isRepetition: Bool = false) -> TopicClock.Judgement {
            let source = now - late
            if !isRepetition, clock.judgeQuickly(source: source, received: now) {
                return TopicClock.Judgement(standing: .onTime)
            }
            return clock.judge(
                TopicClock.Arrival(
                    source: source, received: now, heardThrough: heardThrough ?? now, historyAge: 30_000,
                    isRepetition: isRepetition))
        }

        /// So many messages, a second apart, each that late; how each stands.
        mutating func messages(_ count: Int, late: Milliseconds, every interval: Milliseconds = 1_000)
            -> [TopicClock.Standing]
        {
            (0..<count).map { _ in
                now += interval
                return message(late: late).standing
            }
        }
    }

    /// A topic that has been heard for a minute, at that offset.
    private func settled(offset: Milliseconds = 20) -> Driver {
        var driver = Driver()
        for _ in 0..<120 {
            driver.now += 1_000
            driver.message(late: offset)
        }
        return driver
    }

    @Test("Before proof nothing is settled; behind it the first message settles")
    func first() {
        var driver = Driver()
        driver.heardThrough = .min / 4
        #expect(driver.messages(5, late: 5) == Array(repeating: .unsettled, count: 5))
        #expect(driver.message(late: 31_000).isHistory)
        #expect(!driver.message(late: 29_000).isHistory)
        driver.heardThrough = nil
        #expect(driver.messages(1, late: 5) == [.onTime])
        #expect(driver.clock.isSettled && driver.clock.offset == 5)
    }

    @Test(
        "A clock that is wrong and constant is as good as a right one",
        arguments: [-50_000, 0, 25_000] as [Milliseconds])
    func constant(offset: Milliseconds) {
        var driver = settled(offset: offset)
        #expect(driver.clock.offset == offset)
        #expect(driver.messages(10, late: offset).allSatisfy { $0 == .onTime })
        #expect(driver.clock.latestSource(at: driver.now) >= driver.now - offset)
        #expect(driver.clock.latestSource(at: driver.now) <= driver.now - offset + 2_000)
    }

    /// An hour behind from the start: nobody can tell it from a message of an hour ago before three have come.
    @Test("A first message older than history is in doubt until three show a constant offset over five seconds")
    func farBehind() {
        var driver = Driver()
        #expect(driver.messages(5, late: 3_600_000) == Array(repeating: .doubtful, count: 5))
        driver.now += 1_000
        #expect(driver.message(late: 3_600_000).change == .rebased(3_600_000...3_600_000))
        #expect(driver.messages(3, late: 3_600_000).allSatisfy { $0 == .onTime })
    }

    @Test("A step contradicts at once, and is the new offset after five seconds", arguments: [-40_000, 3_000, 1 << 40])
    func step(by late: Milliseconds) {
        var driver = settled()
        #expect(driver.messages(1, late: late, every: 500) == [.doubtful])
        #expect(driver.messages(9, late: late, every: 500).allSatisfy { $0 == .doubtful })
        #expect(driver.messages(3, late: late, every: 500) == [.onTime, .onTime, .onTime])
        #expect(driver.clock.offset == late)
    }

    @Test("Two messages a minute apart re-base nothing, the third does")
    func slowStep() {
        var driver = settled()
        #expect(driver.messages(3, late: 90_000, every: 60_000) == [.doubtful, .doubtful, .onTime])
    }

    @Test("Three in a row at the old offset end a doubt")
    func confirmed() {
        var driver = settled()
        #expect(
            driver.messages(1, late: 10_000) + driver.messages(2, late: 20) + driver.messages(1, late: -9_000)
                + driver.messages(2, late: 20) == Array(repeating: .doubtful, count: 6))
        driver.now += 1_000
        #expect(driver.message(late: 20) == TopicClock.Judgement(standing: .onTime, change: .confirmed))
        #expect(driver.clock.offset == 20)
    }

    @Test("What waiting explains contradicts nothing: live, or history; what is ahead no waiting explains")
    func waiting() {
        var driver = settled()
        driver.heardThrough = driver.now
        driver.now += 60_000
        let judgement = driver.message(late: 59_000)
        #expect(judgement.standing == .queued && judgement.isHistory && judgement.wantsProof)
        #expect(driver.message(late: 20_000) == TopicClock.Judgement(standing: .queued, wantsProof: true))
        #expect(driver.message(late: 20).standing == .onTime)
        #expect(driver.message(late: -3_000).standing == .doubtful)
        // Older than what was proved to be read: it was not there then.
        #expect(driver.message(late: 70_000).standing == .doubtful)
    }

    @Test("A clock that stands still contradicts after two seconds and settles nothing")
    func standingStill() {
        var driver = settled()
        let source = driver.now - 20
        var standings: [TopicClock.Standing] = []
        for _ in 0..<120 {
            driver.now += 500
            standings.append(driver.message(late: driver.now - source).standing)
        }
        #expect(standings.prefix(4).allSatisfy { $0 == .onTime })
        #expect(standings.dropFirst(4).allSatisfy { $0 == .doubtful })
        #expect(driver.clock.doubt.map { (6_000...6_500).contains($0.deadline - $0.since) } == true)
        // Said again with the same value it tells nothing.
        var other = settled()
        for _ in 0..<10 {
            other.now += 60_000
            #expect(other.message(late: 60_000, isRepetition: true) == TopicClock.Judgement(standing: .queued))
        }
    }

    @Test(
        "What is undecided may raise once the message that decides should have come, after at most 60 s",
        arguments: [
            (500, 6_000), (10_000, 20_500), (50_000, 60_000),
        ] as [(Milliseconds, Milliseconds)])
    func deadline(interval: Milliseconds, expected: Milliseconds) {
        var driver = Driver()
        _ = driver.messages(200, late: 20, every: interval)
        driver.now += interval
        #expect(driver.message(late: 100_000).standing == .doubtful)
        #expect(driver.clock.doubt.map { $0.deadline - $0.since } == expected)
    }

    /// A device that sends every ten or thirty seconds what it has measured since.
    @Test(
        "Bursts of what a device has buffered become usual after they have been seen twice",
        arguments: [
            (10, 1_000), (6, 5_000), (100, 100), (4, 2_500),
        ] as [(Int, Milliseconds)])
    func bursts(count: Int, spacing: Milliseconds) {
        var driver = settled()
        var bad: [Int] = []
        for burst in 0..<20 {
            driver.now += spacing * Milliseconds(count)
            // Proof is a moment old.
            driver.heardThrough = driver.now - 100
            for position in (0..<count).reversed()
            where driver.message(late: Milliseconds(position) * spacing + 20).standing == .doubtful {
                bad.append(burst)
            }
        }
        #expect(Set(bad).isSubset(of: [0, 1, 2]), "\(bad)")
        // A step back is seen all the same.
        driver.now += spacing * Milliseconds(count)
        #expect(driver.message(late: spacing * Milliseconds(count) + 5_000).standing == .doubtful)
    }

    @Test("A buffered burst that is older than history tells of history, and ends with the live ones")
    func longBurst() {
        var driver = settled()
        driver.now += 600_000
        for late in stride(from: 600_000, through: 40_000, by: -10_000) as StrideThrough<Milliseconds> {
            let judgement = driver.message(late: late)
            #expect(judgement.standing == .doubtful && judgement.isHistory)
        }
        #expect(driver.messages(3, late: 20) == [.doubtful, .doubtful, .onTime])
    }

    @Test("The offset follows a clock that drifts, and no faster")
    func drift() {
        var driver = settled()
        var source = driver.now - 20
        for _ in 0..<50_000 {
            driver.now += 1_000
            source += 999
            #expect(driver.message(late: driver.now - source).standing == .onTime)
        }
        var fast = settled()
        var standings: Set<TopicClock.Standing> = []
        var time = fast.now - 20
        for _ in 0..<100 {
            fast.now += 1_000
            time += 1_200
            standings.insert(fast.message(late: fast.now - time).standing)
        }
        #expect(standings.contains(.doubtful))
    }

    @Test(
        "A clock that is seldom heard may have drifted meanwhile, by a five-hundredth",
        arguments: [
            (3_600_000, 5_000), (3_600_000, -5_000), (43_200_000, 2_600), (43_200_000, -50_000),
        ] as [(Milliseconds, Milliseconds)])
    func sparseDrift(interval: Milliseconds, drift: Milliseconds) {
        var driver = settled()
        for step in 1...16 as ClosedRange<Milliseconds> {
            driver.now += interval
            #expect(driver.message(late: 20 + step * drift).standing == .onTime)
            #expect(driver.clock.offset == 20 + step * drift)
        }
        // More than that it cannot have been.
        driver.now += interval
        #expect(driver.message(late: 20 + 16 * drift + 61_000).standing == .doubtful)
        // A doubt is not drift: what contradicts does so however long it lasts.
        var other = settled()
        #expect(other.messages(1, late: 3_000) == [.doubtful])
        other.now += 1_800_000
        #expect(other.message(late: 3_000).standing == .doubtful)
    }

    @Test("Extreme times overflow nothing")
    func extremes() {
        for source in [Milliseconds.min, .max, 0, 1 << 53] {
            for heardThrough in [Milliseconds.min, .max, -(1 << 60)] {
                var driver = settled()
                let arrival = TopicClock.Arrival(
                    source: source, received: driver.now, heardThrough: heardThrough, historyAge: 30_000)
                _ = driver.clock.judge(arrival)
                var clock = TopicClock()
                _ = clock.judge(arrival)
            }
        }
    }
}
