import OrderedCollections
import Testing

@testable import Plant

@Suite("Dates that were taken while the gateway's clock was away, and their corrections")
struct MisdatedAlarmsTests {
    private static let leap: Milliseconds = 311_040_000_000
    private static let away = LivePlantFixture.start + leap
    private static let dates = away...away + 60_000

    /// A gateway whose clock has leapt, and what it has recorded since.
    private struct World {
        var plant: LivePlantFixture
        var misdated = MisdatedAlarms()
        var newest: AlarmRecord?
        var leapNumber: Int? = 1

        init() throws {
            plant = try LivePlantFixture(staleAfter: nil)
            plant.hear(20)
            plant.leap(by: MisdatedAlarmsTests.leap)
            plant.pass(1_000)
        }

        mutating func record() {
            for proposal in plant.plant.proposals(limit: .max, epoch: 1) { take(proposal) }
        }

        mutating func take(_ proposal: ProposedTransition) {
            plant.plant.transitionRecorded(proposal.record, at: plant.clock)
            misdated.recorded(proposal, leap: leapNumber)
            newest = proposal.record
        }

        mutating func acknowledge() throws {
            let path = try #require(newest?.path)
            take(
                try plant.plant.acknowledge(path, eventID: nil, by: "ada", comment: nil, at: plant.clock, epoch: 1)
                    .get())
        }

        func corrections(after leap: Int = 1) -> [AlarmRecord] {
            misdated.corrections(
                after: leap, dates: MisdatedAlarmsTests.dates, correction: 0 - MisdatedAlarmsTests.leap
            ) { _ in newest }
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
        world.misdated.corrected(after: 1)
        #expect(world.misdated.isEmpty && world.corrections().isEmpty)
        // An entry of the journal that is no transition, which earlier versions pass over.
        let entry = try JournalEntry(parsing: JournalEntry(correcting: after, at: 5, gateway: "g").serialized())
        #expect(try entry.transition == "CORRECTED" && entry.alarmTransition() == nil && entry.alarmRecord() == after)
    }

    @Test("A device's own times are not this gateway's; an acknowledgement's is")
    func deviceTimes() throws {
        var timed = try LivePlantFixture(staleAfter: nil)
        timed.hear(97, at: 0)
        #expect(timed.plant.proposals(limit: 1, epoch: 1).map(\.isDatedHere) == [false])
        var world = try World()
        world.plant.hear(97)
        let proposals = world.plant.plant.proposals(limit: 1, epoch: 1)
        #expect(proposals.map(\.isDatedHere) == [true])
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
        world.leapNumber = nil
        world.plant.pass(1_000)
        world.plant.hear(20)
        world.record()
        let returned = try #require(world.corrections().first)
        #expect(returned.corrected.since == LivePlantFixture.start + 1_000)
        #expect(returned.corrected.acknowledgedAt == LivePlantFixture.start + 1_000)
        #expect(returned.corrected.changedAt == nil && returned.corrected.sampledAt == nil)
        // The next occurrence has nothing of it, also when the correction was recorded.
        world.plant.plant.transitionRecorded(returned, at: world.plant.clock)
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
        #expect(world.corrections(after: 2).isEmpty)
        let outside = world.misdated.corrections(after: 1, dates: 0...1, correction: -1) { _ in world.newest }
        #expect(outside.isEmpty)
        #expect(world.misdated.corrections(after: 1, dates: Self.dates, correction: -1) { _ in nil }.isEmpty)
        world.newest?.revision += 1
        #expect(world.corrections().isEmpty)
        world.newest?.revision -= 1
        #expect(
            world.misdated.corrections(after: 1, dates: Self.dates, correction: .min) { _ in world.newest }.isEmpty)
        // The clock is set once more, and not back: that is the time from then on.
        world.leapNumber = 2
        world.plant.pass(1_000)
        world.plant.hear(20)
        world.record()
        #expect(world.corrections(after: 1).isEmpty && world.corrections(after: 2).count == 1)
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
