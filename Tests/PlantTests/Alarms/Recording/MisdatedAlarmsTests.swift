import JSON
import OrderedCollections
import Testing

@testable import Plant

@Suite("Dates that were taken while the gateway's clock was away, and their corrections")
struct MisdatedAlarmsTests {
    private static let leap: Milliseconds = 311_040_000_000
    private static let away = LivePlantFixture.start + leap
    private static let dates = away...away + 60_000
    private static let excursion = ClockExcursion(number: 1, correction: 0 - leap, dates: dates)

    /// A gateway whose clock has leapt, and what it has recorded since.
    private struct World {
        var plant: LivePlantFixture
        var misdated = MisdatedAlarms()
        var newest: AlarmRecord?

        init(onDelay: Milliseconds = 0, leap: Milliseconds = MisdatedAlarmsTests.leap) throws {
            plant = try LivePlantFixture(onDelay: onDelay, staleAfter: nil)
            plant.hear(20)
            plant.leap(by: leap, away: 1)
            plant.pass(1_000)
        }

        init(plant: LivePlantFixture) { self.plant = plant }

        mutating func record() {
            for proposal in plant.plant.proposals(limit: .max, epoch: 1) { take(proposal) }
        }

        mutating func take(_ proposal: ProposedTransition) {
            plant.plant.transitionRecorded(proposal.record, isOurs: true, at: plant.clock)
            misdated.recorded(proposal)
            newest = proposal.record
        }

        mutating func acknowledge() throws {
            let path = try #require(newest?.path)
            take(
                try plant.plant.acknowledge(
                    path, eventID: nil, by: Principal(claimed: "ada"), comment: nil, at: plant.clock, epoch: 1
                )
                .get())
        }

        func corrections(_ excursions: ClockExcursion...) -> [AlarmRecord] {
            misdated.corrections(of: excursions.isEmpty ? [MisdatedAlarmsTests.excursion] : excursions) { _ in newest }
        }

        /// The corrections are recorded.
        mutating func correct(_ excursion: ClockExcursion = MisdatedAlarmsTests.excursion) {
            for record in corrections(excursion) {
                plant.plant.transitionRecorded(record, isOurs: true, at: plant.clock)
                newest = record
            }
            misdated.corrected([excursion])
        }
    }

    @Test("The dates stay, the corrections stand beside them, and the revision tells which record is later")
    func corrected() throws {
        var world = try World()
        world.plant.hear(97)
        world.record()
        let before = try #require(world.newest)
        let after = try #require(world.corrections().first)
        var expected = before
        expected.revision = 2
        expected.corrected.since = before.since - Self.leap
        expected.corrected.changedAt = before.changedAt - Self.leap
        expected.corrected.sampledAt = before.sampledAt - Self.leap
        #expect(after == expected && before.since == Self.away + 1_000)
        #expect(try AlarmRecord(parsing: after.serialized()) == after)
        #expect(after.json["corrected"]?["since"]?.intValue == LivePlantFixture.start + 1_000)
        #expect(before.json["corrected"] == nil)
        world.misdated.corrected([Self.excursion])
        #expect(world.misdated.isEmpty && world.corrections().isEmpty)
        // An entry of the journal that is no transition, which earlier versions pass over.
        let entry = try JournalEntry(parsing: JournalEntry(correcting: after, at: 5, gateway: "g").serialized())
        #expect(try entry.transition == "CORRECTED" && entry.alarmTransition() == nil && entry.alarmRecord() == after)
    }

    @Test("A device's own times are not this gateway's; an acknowledgement's is")
    func deviceTimes() throws {
        var timed = try LivePlantFixture(staleAfter: nil)
        timed.hear(97, at: 0)
        #expect(timed.plant.proposals(limit: 1, epoch: 1).map(\.dating) == [nil])
        var world = try World()
        world.plant.hear(97)
        let proposals = world.plant.plant.proposals(limit: 1, epoch: 1)
        #expect(proposals.map(\.dating) == [.init(shown: Self.away + 1_000, away: 1)])
        for proposal in proposals {
            // A device whose clock shows what the gateway's shows wrongly.
            world.take(
                ProposedTransition(transition: proposal.transition, record: proposal.record, at: proposal.at))
        }
        #expect(world.newest != nil && world.corrections().isEmpty)
        try world.acknowledge()
        let after = try #require(world.corrections().first)
        var dates = CorrectedDates()
        dates.acknowledgedAt = LivePlantFixture.start + 1_000
        #expect(after.corrected == dates)
    }

    @Test("What has been recorded since counts: a later edge needs no correction, its occurrence still does")
    func laterSteps() throws {
        var world = try World()
        world.plant.hear(97)
        world.record()
        try world.acknowledge()
        world.plant.leap(by: 0 - Self.leap)
        world.plant.pass(1_000)
        world.plant.hear(20)
        world.record()
        let returned = try #require(world.corrections().first)
        #expect(returned.corrected.since == LivePlantFixture.start + 1_000)
        #expect(returned.corrected.acknowledgedAt == LivePlantFixture.start + 1_000)
        #expect(returned.corrected.changedAt == nil && returned.corrected.sampledAt == nil)
        // The next occurrence has nothing of it, also when the correction was recorded.
        world.plant.plant.transitionRecorded(returned, isOurs: true, at: world.plant.clock)
        world.plant.pass(1_000)
        world.plant.hear(97)
        world.record()
        #expect(world.newest?.occurrence == 2 && world.newest?.corrected.isEmpty == true)
        #expect(world.corrections().isEmpty)
    }

    @Test("No correction for another leap, for dates outside it, or for a record that somebody else has changed")
    func none() throws {
        var world = try World()
        world.plant.hear(97)
        world.record()
        #expect(world.corrections(.init(number: 2, correction: -1, dates: Self.dates)).isEmpty)
        #expect(world.corrections(.init(number: 1, correction: -1, dates: 0...1)).isEmpty)
        #expect(world.misdated.corrections(of: [Self.excursion]) { _ in nil }.isEmpty)
        world.newest?.revision += 1
        #expect(world.corrections().isEmpty)
        world.newest?.revision -= 1
        #expect(world.corrections(.init(number: 1, correction: .min, dates: Self.dates)).isEmpty)
        // The clock is set a second time, and comes back only to where it was before that: what counts begins there.
        world.plant.leap(by: 1_000, away: 2)
        world.plant.hear(20)
        world.record()
        let second = ClockExcursion(number: 2, correction: -1_000, dates: Self.dates)
        #expect(world.corrections(second).map(\.corrected.since) == [nil])
        world.misdated.corrected([second])
        #expect(world.misdated.isEmpty)
    }

    @Test("An edge that was computed meanwhile and recorded after the return needs its correction all the same")
    func recordedLater() throws {
        var world = try World()
        world.plant.hear(97)
        world.plant.leap(by: 0 - Self.leap)
        world.correct()
        #expect(world.newest == nil)
        world.record()
        #expect(world.corrections().map(\.corrected.changedAt) == [LivePlantFixture.start + 1_000])
    }

    @Test("An edge that was computed before and recorded meanwhile is dated rightly, however the clock was set")
    func computedBefore() throws {
        var world = World(plant: try LivePlantFixture(staleAfter: nil))
        world.plant.hear(97)
        world.plant.leap(by: -1_000, away: 1)
        world.record()
        #expect(world.newest != nil && world.misdated.isEmpty)
    }

    @Test("An edge that was moved behind the one before it is corrected by what the clock showed")
    func moved() throws {
        var world = World(plant: try LivePlantFixture(staleAfter: nil))
        world.plant.hear(97)
        world.record()
        world.plant.leap(by: -3_600_000, away: 1)
        world.plant.pass(1_000)
        world.plant.hear(20)
        world.record()
        #expect(world.newest?.changedAt == LivePlantFixture.start + 1)
        world.plant.leap(by: 3_600_000)
        world.correct(
            .init(
                number: 1, correction: 3_600_000,
                dates: LivePlantFixture.start - 3_600_000...LivePlantFixture.start - 3_500_000))
        #expect(world.newest?.corrected.changedAt == LivePlantFixture.start + 1_000)
        #expect(world.newest?.corrected.sampledAt == LivePlantFixture.start + 1_000)
    }

    @Test("An edge after the return that is moved behind one of before it is corrected, too", arguments: [true, false])
    func movedAfterReturn(isCorrectedFirst: Bool) throws {
        let ahead = ClockExcursion(
            number: 1, correction: -90_000, dates: LivePlantFixture.start + 90_000...LivePlantFixture.start + 95_000)
        var world = try World(leap: 90_000)
        world.plant.hear(97)
        world.record()
        world.plant.leap(by: -90_000)
        if isCorrectedFirst { world.correct(ahead) }
        world.plant.pass(1_000)
        world.plant.hear(20)
        world.record()
        world.correct(ahead)
        let returned = try #require(world.newest)
        #expect(returned.condition == .normal && returned.changedAt == LivePlantFixture.start + 91_001)
        #expect(returned.corrected.since == LivePlantFixture.start + 1_000)
        #expect(returned.corrected.changedAt == LivePlantFixture.start + 2_000)
        // So is the one after it; what comes later than all of them is dated as it happens.
        world.plant.pass(1_000)
        world.plant.hear(97)
        world.record()
        #expect(world.newest?.corrected.since == LivePlantFixture.start + 3_000)
        world.plant.pass(100_000)
        world.plant.hear(20)
        world.record()
        #expect(world.newest?.corrected.changedAt == nil && world.newest?.changedAt == world.plant.clock)
    }

    @Test("A sample from that time may begin a delay that ends after the return")
    func sampleBefore() throws {
        var world = try World(onDelay: 5_000)
        world.plant.hear(97)
        world.plant.pass(1_000)
        world.plant.leap(by: 0 - Self.leap)
        world.plant.pass(10_000)
        world.plant.prove()
        world.record()
        let raised = try #require(world.newest)
        #expect(raised.changedAt == LivePlantFixture.start + 6_000 && raised.sampledAt == Self.away + 1_000)
        var dates = CorrectedDates()
        dates.sampledAt = LivePlantFixture.start + 1_000
        #expect(world.corrections().map(\.corrected) == [dates])
    }

    @Test("A clock that comes back in two steps: each date by the step in which it was given")
    func twoSteps() throws {
        var world = try World(leap: 3_600_000)
        world.plant.hear(97)
        world.record()
        world.plant.leap(by: -1_800_000, away: 2)
        world.plant.pass(1_000)
        world.plant.hear(20)
        world.record()
        let (first, second) = (
            ClockExcursion(
                number: 1, correction: -3_600_000,
                dates: LivePlantFixture.start + 3_600_000...LivePlantFixture.start + 3_610_000),
            ClockExcursion(
                number: 2, correction: -1_800_000,
                dates: LivePlantFixture.start + 1_800_000...LivePlantFixture.start + 1_810_000)
        )
        let returned = try #require(world.corrections(first, second).first)
        #expect(returned.corrected.since == LivePlantFixture.start + 1_000)
        #expect(returned.corrected.changedAt == LivePlantFixture.start + 2_000)
    }

    @Test("A leap that was taken back after a later one has its corrections all the same")
    func outerTakenBackLater() throws {
        var world = try World()
        world.plant.hear(97)
        world.record()
        let inner = ClockExcursion(number: 2, correction: -3_600_000, dates: 0...1)
        #expect(world.corrections(inner).isEmpty)
        world.misdated.corrected([inner], open: [1])
        #expect(world.corrections(inner, Self.excursion).count == 1)
        world.misdated.corrected([inner, Self.excursion])
        #expect(world.misdated.isEmpty)
    }

    @Test("Whatever stands under \"corrected\" is read or left out")
    func strangeMembers() throws {
        var world = try World()
        world.plant.hear(97)
        world.record()
        guard case .object(var members)? = world.newest?.json else { return }
        for strange: JSONValue in [1, "x", .null, ["since": -1, "changedAt": "now"], ["since": .integer(.max)]] {
            members["corrected"] = strange
            #expect(try AlarmRecord(json: .object(members)).corrected.isEmpty)
        }
    }
}
