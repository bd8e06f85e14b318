import Testing

@testable import Plant

/// Devices that are sound and whose messages are late all the same, and topics that no clock can be told of.
@Suite("Senders that are usually late")
struct LateSenderTests {
    struct Pattern: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// Between two batches, or messages.
        let every: Milliseconds
        var count = 1
        var spacing: Milliseconds = 0
        /// What the device's clock shows: whole multiples of it.
        var resolution: Milliseconds = 1
    }

    private static let patterns = [
        Pattern(testDescription: "10 a minute apart, every ten minutes", every: 600_000, count: 10, spacing: 60_000),
        Pattern(testDescription: "4 that are 20 s apart", every: 80_000, count: 4, spacing: 20_000),
        Pattern(testDescription: "3 that are 60 s apart", every: 180_000, count: 3, spacing: 60_000),
        Pattern(testDescription: "24 an hour apart, once a day", every: 86_400_000, count: 24, spacing: 3_600_000),
        Pattern(testDescription: "every 10 s, by the minute", every: 10_000, resolution: 60_000),
        Pattern(testDescription: "every second, by five seconds", every: 1_000, resolution: 5_000),
    ]

    @Test(
        "Batches and coarse clocks become usual; what they report raises and returns", arguments: patterns,
        [nil, 30_000] as [Milliseconds?])
    func usual(_ pattern: Pattern, staleAfter: Milliseconds?) throws {
        var plant = try LivePlantFixture(staleAfter: staleAfter)
        plant.now = 600_000
        plant.prove()
        var qualities: [Quality] = []
        let rounds = pattern.count > 1 ? 14 : 200
        for round in 0..<rounds {
            plant.wait(pattern.every)
            for position in (0..<pattern.count).reversed() {
                plant.now += pattern.count > 1 ? 1 : 0
                let source = plant.now - Milliseconds(position) * pattern.spacing
                let isHot = round == rounds - 5 && position == 0
                plant.hear(
                    isHot ? 97 : 20 + Double(round % 3), at: source / pattern.resolution * pattern.resolution)
                if let quality = try plant.latest()?.quality { qualities.append(quality) }
            }
            plant.prove()
            if round < rounds - 5 { #expect(plant.steps.isEmpty) }
        }
        #expect(
            qualities.suffix(qualities.count / 2).allSatisfy { $0 == .good },
            "\(qualities.map { $0 == .good ? "g" : "\($0)".prefix(1) }.joined())")
        #expect(plant.steps.map(\.transition) == [.activated, .returned])
        #expect(plant.record()?.isTimeUnsure == false)
    }

    @Test("What is older than history raises nothing, however usual it is")
    func usualHistory() throws {
        var plant = try LivePlantFixture(staleAfter: nil)
        plant.now = 600_000
        plant.prove()
        for batch in 0..<10 {
            plant.wait(600_000)
            for position in (0..<10).reversed() {
                plant.now += 1
                plant.hear(batch == 8 && position == 5 ? 97 : 20, at: plant.now - Milliseconds(position) * 60_000)
            }
            plant.prove()
        }
        #expect(plant.steps.isEmpty)
        #expect(try plant.latest()?.quality == .good)
    }

    @Test("Two clocks on one topic: uncertain, but what is beyond a limit raises, and returns")
    func twoPublishers() throws {
        var plant = try LivePlantFixture(staleAfter: nil)
        plant.publish(20, for: 60)
        func play(_ plant: inout LivePlantFixture, _ value: Double, _ count: Int) {
            for round in 0..<count {
                plant.pass(500)
                plant.hear(value, behind: round % 2 == 0 ? 0 : 3_000)
                plant.prove()
            }
        }
        play(&plant, 20, 100)
        play(&plant, 97, 2)
        #expect(plant.record()?.isTimeUnsure == true)
        play(&plant, 20, 400)
        #expect(plant.steps.isEmpty)
        play(&plant, 20, 200)
        #expect(plant.steps.map(\.transition) == [.returned])
        plant.record()
        play(&plant, 97, 2)
        #expect(plant.steps == [Step(.activated, .high, at: plant.now - 500)])
        #expect(plant.record()?.isTimeUnsure == false)
        play(&plant, 20, 2)
        #expect(plant.steps.map(\.transition) == [.returned])
        #expect(try plant.latest()?.quality == .uncertain)
        // One of them falls silent: the clock is constant again.
        plant.record()
        plant.publish(97, for: 4)
        #expect(try plant.latest()?.quality == .good)
        #expect(plant.steps.map(\.transition) == [.activated])
    }

    @Test("A clock that stands still for good is given up after five minutes: alarms raise and return")
    func standsStill() throws {
        var plant = try LivePlantFixture(staleAfter: nil)
        plant.publish(20, for: 60)
        let source = plant.now
        var log: [Step] = []
        for round in 0..<900 {
            plant.pass(500)
            plant.hear(
                (100..<120).contains(round) || (700..<720).contains(round) ? 97 : 20 + Double(round % 7), at: source)
            plant.prove()
            log += plant.steps
            plant.record()
        }
        #expect(log.map(\.transition) == [.activated, .returned, .activated, .returned])
        #expect(try plant.latest()?.quality == .uncertain)
        #expect(plant.plant.heldCount == 0)
    }

    @Test("A clock that runs slow does not carry the line of what is usual along")
    func slowClock() {
        var driver = TopicClockTests.Driver()
        _ = driver.messages(60, late: 20)
        for _ in 0..<6 {
            driver.now += 21_000
            for late in [20_000, 10_000, 20] as [Milliseconds] {
                driver.now += 10
                driver.message(late: late)
            }
        }
        #expect(driver.clock.jitter(at: driver.now) == 24_975)
        var standings: Set<TopicClock.Standing> = []
        for second in 1...60 as ClosedRange<Milliseconds> {
            driver.now += 1_000
            standings.insert(driver.message(late: second * 800).standing)
        }
        #expect(standings.contains(.doubtful))
        #expect(driver.clock.jitter(at: driver.now) == 24_975)
    }
}

extension LivePlantFixture {
    /// Time passes and everything is heard.
    mutating func wait(_ time: Milliseconds) {
        let end = now + time
        let step = max(1_000, time / 200)
        while now < end {
            now = min(end, now + step)
            _ = plant.advance(to: clock)
            prove()
        }
    }
}
