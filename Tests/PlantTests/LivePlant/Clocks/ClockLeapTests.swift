import Testing

@testable import Plant

/// The gateway's own clock is set, by years too: what is measured between two moments does not change by it.
@Suite("A leap of the gateway's own clock")
struct ClockLeapTests {
    static let leaps: [Milliseconds] = [-311_040_000_000, -3_600_000, -5_000, 5_000, 3_600_000, 311_040_000_000]

    private func quality(_ plant: LivePlantFixture) throws -> Quality? {
        plant.plant.value(of: try TagPath(LivePlantFixture.temperature))?.quality
    }

    @Test("A device is silent for as long as it is silent", arguments: leaps)
    func staleness(leap: Milliseconds) throws {
        var plant = try LivePlantFixture(staleAfter: 30_000)
        plant.hear(20)
        plant.pass(10_000)
        plant.leap(by: leap)
        plant.pass(15_000)
        #expect(try quality(plant) == .good)
        plant.leap(by: 0 - leap)
        plant.pass(4_000)
        #expect(try quality(plant) == .good)
        plant.pass(2_000)
        #expect(try quality(plant) == .stale)
    }

    @Test("A device with a right clock goes on by its own times, whatever ours shows", arguments: leaps)
    func rightDevice(leap: Milliseconds) throws {
        var plant = try LivePlantFixture(staleAfter: 600_000)
        for second in 0..<10 {
            plant.hear(20, at: Int64(second) * 1_000)
            plant.pass(1_000)
            plant.prove()
        }
        plant.leap(by: leap)
        plant.hear(90, at: 10_000)
        #expect(plant.steps == [Step(.activated, .high, at: 10_000)])
        plant.record()
        plant.pass(3_000)
        plant.hear(20, at: 13_000)
        #expect(plant.steps == [Step(.returned, .normal, at: 13_000)])
        plant.record()
        plant.pass(3_000)
        plant.leap(by: 0 - leap)
        plant.hear(90, at: 16_000)
        #expect(plant.steps == [Step(.activated, .high, at: 16_000)])
        #expect(try quality(plant) == .good)
    }

    @Test("An on-delay takes as long as before, with and without times of the device", arguments: leaps, [true, false])
    func onDelay(leap: Milliseconds, hasTime: Bool) throws {
        var plant = try LivePlantFixture(onDelay: 10_000, staleAfter: nil)
        if hasTime { plant.hear(90, at: 0) } else { plant.hear(90) }
        plant.pass(5_000)
        plant.prove()
        plant.leap(by: leap)
        plant.prove()
        plant.pass(3_000)
        plant.prove()
        #expect(plant.steps == [])
        plant.pass(2_500)
        plant.prove()
        #expect(plant.steps == [Step(.activated, .high, at: hasTime ? 10_000 : leap + 10_000)])
    }

    @Test("An off-delay takes as long as before", arguments: leaps)
    func offDelay(leap: Milliseconds) throws {
        var plant = try LivePlantFixture(offDelay: 10_000, staleAfter: nil)
        plant.hear(90)
        plant.record()
        plant.pass(1_000)
        plant.hear(20)
        plant.pass(5_000)
        plant.leap(by: leap)
        plant.hear(20)
        plant.pass(3_000)
        plant.prove()
        #expect(plant.steps == [])
        plant.pass(2_500)
        plant.prove()
        #expect(plant.steps.map(\.transition) == [.returned])
    }

    @Test("Proof of an earlier time stays proof of it", arguments: leaps)
    func proof(leap: Milliseconds) throws {
        var plant = try LivePlantFixture(onDelay: 500, staleAfter: nil)
        plant.prove()
        plant.leap(by: leap)
        plant.hear(90)
        plant.pass(800)
        #expect(plant.steps.isEmpty, "only what was heard until the leap is proved")
        plant.prove()
        #expect(plant.steps.map(\.transition) == [.activated])
    }

    @Test("A value that repeats is written again after its time, also when the clock was set back", arguments: leaps)
    func refresh(leap: Milliseconds) throws {
        var plant = try LivePlantFixture(staleAfter: 30_000, deadband: 1)
        plant.hear(20)
        #expect(plant.flush().count == 1)
        plant.leap(by: leap)
        plant.pass(20_000)
        plant.hear(20)
        #expect(plant.flush().isEmpty)
        plant.pass(11_000)
        plant.hear(20)
        #expect(plant.flush().count == 1)
    }

    @Test(
        "An alarm that was dated in 2036 is not dated there for ever: what comes later has its own date",
        arguments: [
            true, false,
        ])
    func datesAfterReturn(isStandby: Bool) throws {
        let leap: Milliseconds = 311_040_000_000
        var plant = try LivePlantFixture(staleAfter: nil)
        plant.hear(20)
        plant.leap(by: leap)
        plant.pass(1_000)
        plant.hear(97)
        #expect(plant.steps == [Step(.activated, .high, at: leap + 1_000)])
        var records = [plant.record()].compactMap(\.self)
        if isStandby {
            // Another gateway, whose clock has not leapt, and which heard the same.
            plant = try LivePlantFixture(staleAfter: nil)
            plant.hear(20)
            plant.pass(1_000)
            plant.hear(97)
            plant.plant.transitionRecorded(try #require(records.first), isOurs: true, at: plant.clock)
            #expect(plant.steps == [])
        } else {
            plant.leap(by: 0 - leap)
        }
        for value in [20.0, 97, 20] {
            plant.pass(1_000)
            plant.hear(value)
            #expect(plant.steps.map(\.at) == [plant.now])
            records += [plant.record()].compactMap(\.self)
        }
        #expect(records.map(\.condition) == [.high, .normal, .high, .normal])
        #expect(records.map(\.revision) == [1, 2, 3, 4])
        #expect(records[0].changedAt == LivePlantFixture.start + leap + 1_000)
        #expect(Set(records.map(\.eventID)).count == 2 && records[2].occurrence == 2)
    }
}

extension LivePlantFixture {
    /// The wall clock is set; `away`: the number of the leap by which it is away then.
    mutating func leap(by leap: Milliseconds, away: Int? = nil) {
        now += leap
        plant.clockLeapt(by: leap, away: away, at: clock)
    }
}
