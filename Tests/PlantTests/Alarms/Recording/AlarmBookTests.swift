import Testing

@testable import Plant

@Suite("The alarm book")
struct AlarmBookTests {
    private func instant() throws -> AlarmDefinition { try AlarmFixture.definition(onDelay: 0, offDelay: 0) }

    // MARK: States

    @Test("NORM, UNACK, RTNUN, NORM: acknowledged after the return")
    func acknowledgedLate() throws {
        var book = try AlarmFixture.book(try instant())
        let path = try AlarmFixture.path()
        book.sample(90, at: 1)
        #expect(book.commitAll().map(\.record.state) == [.unacknowledged])
        book.sample(20, at: 2)
        #expect(book.commitAll().map(\.record.state) == [.returnedUnacknowledged])
        let proposal = try book.acknowledge(
            path, eventID: nil, by: Principal(claimed: "ann"), comment: "ok", at: 3, epoch: 9
        ).get()
        #expect(proposal.transition == .acknowledged && proposal.record.state == .normal && proposal.at == 3)
        #expect(proposal.record.acknowledgedBy?.name == "ann" && proposal.record.acknowledgedAt == 3)
        #expect(proposal.record.comment == "ok" && proposal.record.epoch == 9 && proposal.previousRevision == 2)
        #expect(book.transitionRecorded(proposal.record, at: 3) == .agreed)
    }

    @Test("NORM, UNACK, ACKED, NORM: acknowledged while active")
    func acknowledgedInTime() throws {
        var book = try AlarmFixture.book(try instant())
        let path = try AlarmFixture.path()
        book.sample(90, at: 1)
        let activated = book.commitAll()[0]
        let proposal = try book.acknowledge(
            path, eventID: activated.record.eventID, by: Principal(claimed: "ann"), comment: nil, at: 2, epoch: 1
        ).get()
        #expect(proposal.record.state == .acknowledged)
        book.transitionRecorded(proposal.record, at: 2)
        book.sample(20, at: 3)
        let returned = book.commitAll()[0]
        #expect(returned.record.state == .normal && returned.record.acknowledgedBy?.name == "ann")
        #expect(returned.record.eventID == activated.record.eventID && returned.record.since == 1)
    }

    @Test("An escalation voids the acknowledgement, a de-escalation does not")
    func escalation() throws {
        var book = try AlarmFixture.book(try instant())
        let path = try AlarmFixture.path()
        book.sample(90, at: 1)
        book.commitAll()
        book.transitionRecorded(
            try book.acknowledge(path, eventID: nil, by: Principal(claimed: "ann"), comment: "c", at: 2, epoch: 1).get()
                .record, at: 2)
        book.sample(96, at: 3)
        let escalated = book.commitAll()[0].record
        #expect(escalated.state == .unacknowledged && escalated.acknowledgedBy == nil && escalated.comment == nil)
        book.transitionRecorded(
            try book.acknowledge(path, eventID: nil, by: Principal(claimed: "bob"), comment: nil, at: 4, epoch: 1).get()
                .record, at: 4)
        book.sample(90, at: 5)
        let deescalated = book.commitAll()[0]
        #expect(deescalated.transition == .deescalated && deescalated.record.state == .acknowledged)
        #expect(deescalated.record.acknowledgedBy?.name == "bob" && deescalated.record.priority == .high)
    }

    @Test("Active again from RTNUN is a new occurrence")
    func reactivation() throws {
        var book = try AlarmFixture.book(try instant())
        for (time, value) in [(1, 90), (2, 20), (3, 90)] as [(Milliseconds, Double)] { book.sample(value, at: time) }
        let records = book.commitAll().map(\.record)
        #expect(records.map(\.state) == [.unacknowledged, .returnedUnacknowledged, .unacknowledged])
        #expect(records.map(\.occurrence) == [1, 1, 2])
        #expect(records[2].eventID != records[1].eventID && records[2].since == 3)
    }

    @Test(
        "An alarm that is hidden stays so while the condition comes and goes, and is not acknowledged",
        arguments: [
            AlarmLifeCycle(condition: .high, isAcknowledged: false, shelf: .timed(until: 1_000)),
            AlarmLifeCycle(condition: .high, isAcknowledged: false, suppressedBy: "pump is off"),
            AlarmLifeCycle(condition: .high, isAcknowledged: false, outOfService: "work order 7"),
        ])
    func hidden(lifeCycle: AlarmLifeCycle) throws {
        var book = try AlarmFixture.book(try instant())
        book.sample(90, at: 1)
        var record = book.proposals(limit: 1, epoch: 1)[0].record
        record.lifeCycle = lifeCycle
        book.transitionRecorded(record, at: 1)
        book.sample(96, at: 2)
        book.sample(20, at: 3)
        book.sample(90, at: 4)
        let state = lifeCycle.state
        #expect(book.proposals(limit: 9, epoch: 1).map(\.record.state) == [state, state, state])
        let refusal = book.acknowledge(
            try AlarmFixture.path(), eventID: nil, by: Principal(claimed: "ann"), comment: nil, at: 5, epoch: 1)
        #expect(refusal == .failure(.nothingToAcknowledge(state)))
    }

    @Test("An acknowledgement is refused with its reason")
    func refusals() throws {
        var book = try AlarmFixture.book(try instant())
        let path = try AlarmFixture.path()
        func acknowledge(_ path: AlarmPath, _ eventID: String?) -> AcknowledgementRefusal? {
            switch book.acknowledge(
                path, eventID: eventID, by: Principal(claimed: "bob"), comment: nil, at: 9, epoch: 1)
            {
            case .success: nil
            case .failure(let refusal): refusal
            }
        }
        #expect(acknowledge(path, nil) == .notFound)
        #expect(acknowledge(AlarmPath(tag: try AlarmFixture.tag(), alarm: "other"), nil) == .notFound)
        book.sample(90, at: 1)
        #expect(acknowledge(path, nil) == .notFound)
        let id = book.commitAll()[0].record.eventID
        #expect(acknowledge(path, "older") == .notPresent(eventID: id, state: .unacknowledged))
        book.transitionRecorded(
            try book.acknowledge(path, eventID: id, by: Principal(claimed: "ann"), comment: nil, at: 2, epoch: 1).get()
                .record, at: 2)
        #expect(acknowledge(path, id) == .alreadyAcknowledged(by: Principal(claimed: "ann"), at: 2))
        book.sample(20, at: 3)
        book.commitAll()
        #expect(acknowledge(path, nil) == .alreadyAcknowledged(by: Principal(claimed: "ann"), at: 2))
    }

    // MARK: Proposals

    @Test("Proposals come in order of time over all alarms, consume nothing, and chain")
    func proposals() throws {
        var book = try AlarmBook(definitions: [try instant()])
        for (number, name) in ["b", "a"].enumerated() {
            book.bind(tag: TagID(rawValue: UInt32(number)), path: try TagPath("factory/line1/\(name)/temperature"))
        }
        book.sample(90, at: 1000, tag: 0)
        book.sample(90, at: 1000, tag: 1)
        book.sample(20, at: 1500, tag: 0)
        book.sample(20, at: 1400, tag: 1)
        let all = book.proposals(limit: 10, epoch: 3)
        #expect(
            all.map { "\($0.path) \($0.transition) \($0.at)" } == [
                "factory/line1/a/temperature/overtemperature ACT 1000",
                "factory/line1/b/temperature/overtemperature ACT 1000",
                "factory/line1/a/temperature/overtemperature RTN 1400",
                "factory/line1/b/temperature/overtemperature RTN 1500",
            ])
        #expect(book.proposals(limit: 10, epoch: 3) == all && book.pendingCount == 4)
        #expect(book.proposals(limit: 3, epoch: 3) == Array(all.prefix(3)))
        #expect(book.proposals(limit: 0, epoch: 3).isEmpty && book.proposals(limit: -1, epoch: 3).isEmpty)
        book.transitionRecorded(all[1].record, at: 0)
        #expect(book.proposals(limit: 10, epoch: 3) == [all[0], all[2], all[3]])
        book.transitionRecorded(all[3].record, at: 0)
        #expect(book.pendingCount == 2)
    }

    @Test("A tag may have several alarms, or none")
    func severalAlarms() throws {
        var second = try AlarmFixture.definition(high: 50, highHigh: nil, onDelay: 0)
        second.name = "warm"
        var book = try AlarmBook(definitions: [try instant(), second])
        #expect(book.bind(tag: TagID(rawValue: 7), path: try AlarmFixture.tag()) == 2)
        #expect(book.bind(tag: TagID(rawValue: 3), path: try TagPath("factory/line1/press1/pressure")) == 0)
        #expect(book.sample(60, at: 1, tag: 7) == true)
        #expect(book.sample(600, at: 1, tag: 3) == false)
        #expect(book.sample(600, at: 1, tag: 4000) == false)
        #expect(book.proposals(limit: 9, epoch: 1).map(\.path.alarm) == ["warm"])
        #expect(book.definition(of: AlarmPath(tag: try AlarmFixture.tag(), alarm: "warm"))?.name == "warm")
        #expect(book.definition(of: AlarmPath(tag: try TagPath("x"), alarm: "warm")) == nil)
    }

    // MARK: Restoring

    @Test("Restored before the tag is heard, an alarm goes on where it stood")
    func restoreFirst() throws {
        var old = try AlarmFixture.book(try instant())
        old.sample(90, at: 1000)
        let record = old.commitAll()[0].record

        var book = try AlarmBook(definitions: [try instant()])
        book.restore([record], at: 5000)
        #expect(book.bind(tag: TagID(rawValue: 0), path: try AlarmFixture.tag()) == 1)
        #expect(book.records == [record])
        // The broker delivers again what the old gateway had not acknowledged.
        for (time, value) in [(900, 20), (1000, 90), (1100, 91)] as [(Milliseconds, Double)] {
            book.sample(value, at: time)
        }
        #expect(book.pendingCount == 0)
        book.sample(20, at: 1200)
        #expect(book.pendingSteps == [Step(.returned, .normal, at: 1200)])
    }

    @Test("Samples before the restoration: what the record covers is dropped, what is later stays")
    func restoreLater() throws {
        var book = try AlarmFixture.book(try instant())
        for (time, value) in [(1000, 90), (2000, 20), (3000, 90)] as [(Milliseconds, Double)] {
            book.sample(value, at: time)
        }
        let records = book.proposals(limit: 9, epoch: 1).map(\.record)
        book.restore([records[1]], at: 4000)
        #expect(book.pendingSteps == [Step(.activated, .high, at: 3000)])
        #expect(book.proposals(limit: 1, epoch: 1)[0].record.occurrence == 2)
        #expect(book.transitionRecorded(records[0], at: 4000) == .known)
        #expect(book.statistics.edgesMatched == 1 && book.statistics.edgesSuperseded == 1)
    }

    @Test("A journal entry that comes before the samples: our own computation of it is recognised and dropped")
    func journalFirst() throws {
        let definition = try AlarmFixture.definition()
        var active = try AlarmFixture.book(definition)
        var standby = try AlarmFixture.book(definition)
        for (time, value) in [(0, 20), (1000, 90), (6000, 91), (20_000, 20), (30_000, 20)] as [(Milliseconds, Double)] {
            active.sample(value, at: time)
        }
        standby.sample(20, at: 0)
        for proposal in active.commitAll() {
            #expect(standby.transitionRecorded(proposal.record, at: 30_000) == .adopted)
        }
        for (time, value) in [(1000, 90), (6000, 91), (20_000, 20), (30_000, 20)] as [(Milliseconds, Double)] {
            standby.sample(value, at: time)
        }
        standby.advance(to: 100_000)
        #expect(standby.pendingCount == 0)
        #expect(standby.record(of: try AlarmFixture.path()) == active.record(of: try AlarmFixture.path()))
    }

    @Test("An occurrence that we never computed is adopted, and ended by what we hear")
    func adopted() throws {
        var active = try AlarmFixture.book(try instant())
        active.sample(90, at: 1000)
        let record = active.commitAll()[0].record
        var standby = try AlarmFixture.book(try instant())
        standby.sample(20, at: 500)
        #expect(standby.transitionRecorded(record, at: 1001) == .adopted)
        #expect(standby.condition(of: record.path) == .high)
        standby.sample(20, at: 1500)
        let proposal = standby.proposals(limit: 1, epoch: 2)[0]
        #expect(Step(proposal) == Step(.returned, .normal, at: 1500) && proposal.record.eventID == record.eventID)
    }

    @Test("What the active one did not hear, we make good: the sample that ends its alarm came before its timer fired")
    func timerAgainstSample() throws {
        let definition = try AlarmFixture.definition(highHigh: nil, offDelay: 0)
        var active = try AlarmFixture.book(definition)
        var standby = try AlarmFixture.book(definition)
        active.sample(90, at: 1000)
        active.advance(to: 6000)
        standby.sample(90, at: 1000)
        standby.sample(20, at: 4000)
        standby.sample(21, at: 5000)
        let record = active.commitAll()[0].record
        #expect(standby.transitionRecorded(record, at: 6001) == .adopted)
        // The return is that of the first clearing sample, and dated after the activation.
        let proposal = standby.proposals(limit: 1, epoch: 2)[0]
        #expect(Step(proposal) == Step(.returned, .normal, at: 6001) && proposal.record.sampledAt == 4000)
    }

    @Test("Records of alarms or tags that are not configured are told apart")
    func unconfigured() throws {
        var old = try AlarmFixture.book(try instant())
        old.sample(90, at: 1000)
        var record = old.commitAll()[0].record
        var book = try AlarmFixture.book()
        record.path = AlarmPath(tag: try TagPath("factory/line1/press1/pressure"), alarm: "overtemperature")
        #expect(book.transitionRecorded(record, at: 0) == .unconfigured)
        record.path = AlarmPath(tag: try AlarmFixture.tag(), alarm: "removed")
        #expect(book.transitionRecorded(record, at: 0) == .unconfigured)
        #expect(book.records.isEmpty)
    }

    @Test("A limit that is no longer configured ends what it had raised")
    func limitRemoved() throws {
        var old = try AlarmFixture.book(try instant())
        old.sample(99, at: 1000)
        let record = old.commitAll()[0].record
        #expect(record.condition == .highHigh)
        var book = try AlarmFixture.book(try AlarmFixture.definition(highHigh: nil, onDelay: 0))
        book.restore([record], at: 2000)
        #expect(book.pendingSteps == [Step(.deescalated, .high, at: 1001)])
        var other = try AlarmFixture.book(try AlarmFixture.definition(high: nil, highHigh: nil, low: 5, onDelay: 0))
        other.restore([record], at: 2000)
        #expect(other.pendingSteps == [Step(.returned, .normal, at: 1001)])
    }

    // MARK: Bounds

    @Test("dropPending gives up old edges and continues from the record; the present state becomes pending anew")
    func dropPending() throws {
        var book = try AlarmFixture.book(try instant())
        for (time, value) in [(1000, 90), (2000, 20), (3000, 90)] as [(Milliseconds, Double)] {
            book.sample(value, at: time)
        }
        #expect(book.dropPending(olderThan: 1000, at: 4000) == 0)
        #expect(book.dropPending(olderThan: 2500, at: 4000) == 2)
        #expect(book.pendingSteps == [Step(.activated, .high, at: 3000)])
        book.sample(20, at: 5000)
        #expect(book.dropPending(olderThan: 10_000, at: 10_000) == 2)
        let path = try AlarmFixture.path()
        #expect(book.pendingCount == 0 && book.condition(of: path) == .normal)
        #expect(book.statistics.edgesDropped == 4)
        book.sample(90, at: 11_000)
        #expect(book.dropPending(olderThan: 12_000, at: 12_000) == 1)
        #expect(book.pendingSteps == [Step(.activated, .high, at: 11_000)])
    }

    @Test("Too many edges of one alarm: the oldest go, the newest state stays", arguments: [1, 2, 3, 4, 5])
    func bounds(limit: Int) throws {
        var limits = AlarmBook.Limits()
        limits.pendingPerAlarm = limit
        var book = try AlarmFixture.book(try instant(), limits: limits)
        for time in 1...101 as ClosedRange<Milliseconds> { book.sample(time % 2 == 1 ? 90 : 20, at: time) }
        #expect(book.pendingCount <= limit && book.pendingCount > 0)
        #expect(book.pendingSteps.last == Step(.activated, .high, at: 101))
        #expect(book.statistics.edgesOverflowed == 101 - book.pendingCount)
        #expect(book.commitAll().map(\.record.revision) == Array(1...Int64(book.statistics.edgesMatched)))
    }

    @Test("Too many edges overall: each alarm keeps its newest state")
    func totalBound() throws {
        var limits = AlarmBook.Limits()
        limits.pendingTotal = 4
        var book = try AlarmBook(definitions: [try instant()], limits: limits)
        for tag in 0..<8 as Range<UInt32> {
            book.bind(tag: TagID(rawValue: tag), path: try TagPath("factory/line1/\(tag)/temperature"))
        }
        for time in 1...11 as ClosedRange<Milliseconds> {
            for tag in 0..<8 as Range<UInt32> { book.sample(time % 2 == 1 ? 90 : 20, at: time, tag: tag) }
        }
        let proposals = book.proposals(limit: 99, epoch: 1)
        #expect(proposals.count == book.pendingCount && book.pendingCount <= 12)
        for tag in 0..<8 {
            let path = AlarmPath(tag: try TagPath("factory/line1/\(tag)/temperature"), alarm: "overtemperature")
            #expect(book.condition(of: path) == .high)
            #expect(proposals.last { $0.path == path }?.record.condition == .high)
        }
    }

    @Test("Deadlines: the earliest is told, chattering leaves no heap behind, and all alarms fire")
    func deadlines() throws {
        var book = try AlarmBook(definitions: [try AlarmFixture.definition(offDelay: 0)])
        for tag in 0..<100 as Range<UInt32> {
            book.bind(tag: TagID(rawValue: tag), path: try TagPath("factory/line1/\(tag)/temperature"))
        }
        for round in 0..<100 as Range<Milliseconds> {
            for tag in 0..<100 as Range<UInt32> {
                book.sample(20, at: round * 10, tag: tag)
                book.sample(90, at: round * 10 + 1, tag: tag)
            }
        }
        var steps = 0
        while let deadline = book.nextDeadline {
            book.advance(to: deadline)
            steps += 1
        }
        #expect(book.pendingCount == 100 && steps <= 2)
    }

    @Test("A level that follows from a record alone has no sample that this gateway could tell others of")
    func settledLevelHasNoDelay() throws {
        var book = try AlarmFixture.book(
            try AlarmFixture.definition(high: nil, highHigh: nil, low: 20, lowLow: 10, onDelay: 0, offDelay: 0))
        // Somebody else's record, of a sample that has not come here.
        var record = AlarmRecord(
            path: try AlarmFixture.path(), lifeCycle: .init(condition: .lowLow, isAcknowledged: false),
            priority: .high, eventID: "e", occurrence: 1, value: 5, limit: 10, since: 1_000_000, epoch: 1,
            changedAt: 1_000_000, sampledAt: 1_000_000, revision: 1)
        book.transitionRecorded(record, at: 1_000_000)
        // Here it is between the two limits now: DEESC waits to be recorded.
        book.sample(15, at: 1_000_100)
        #expect(book.pendingCount == 1)
        // The other gateway had heard a return in between, dated before.
        record.lifeCycle = .init(condition: .normal, isAcknowledged: false)
        (record.changedAt, record.sampledAt, record.revision, record.value) = (1_000_050, 1_000_050, 2, 50)
        book.transitionRecorded(record, at: 1_000_200)
        let delays = book.unsettledDelays(of: TagID(rawValue: 0))
        #expect(!delays.values.joined().contains { $0.start == 0 }, "\(delays)")
    }

    @Test("Alarms whose record says that they are not in use hold up no others")
    func disabledHoldsUpNothing() throws {
        var book = try AlarmFixture.book(try AlarmFixture.definition(onDelay: 0, offDelay: 0))
        let other = try TagPath("factory/line1/press2/temperature")
        book.bind(tag: TagID(rawValue: 1), path: other)
        var record = AlarmRecord(
            path: try AlarmFixture.path(), lifeCycle: .normal, priority: .high, eventID: "e", occurrence: 1, value: 5,
            limit: 10, since: 1, epoch: 1, changedAt: 1, sampledAt: 1, revision: 1)
        record.lifeCycle.isEnabled = false
        book.transitionRecorded(try AlarmRecord(parsing: record.serialized()), at: 1)
        for time in 1...10 as ClosedRange<Milliseconds> { book.sample(time % 2 == 0 ? 50 : 90, at: 1_000 + time) }
        book.sample(90, at: 5_000, tag: 1)
        // As many as one transaction takes: all of them are of the alarm that is out of use.
        let proposals = book.proposals(limit: 5, epoch: 1)
        #expect(proposals.map(\.record.path.tag) == [other], "\(proposals.count) of \(book.pendingCount)")
    }

    @Test("What is pending of a limit that is not configured hides no delay of the one that is")
    func delayBesideUnconfiguredLimit() throws {
        var book = try AlarmFixture.book(
            try AlarmFixture.definition(high: 85, highHigh: nil, low: nil, lowLow: nil, onDelay: 1_000, offDelay: 0))
        let record = AlarmRecord(
            path: try AlarmFixture.path(), lifeCycle: .init(condition: .low, isAcknowledged: false), priority: .high,
            eventID: "e", occurrence: 1, value: 5, limit: 10, since: 1_000, epoch: 1, changedAt: 1_000,
            sampledAt: 1_000, revision: 1)
        book.transitionRecorded(record, at: 1_000)
        book.sample(90, at: 2_000)
        // The end of the alarm below the limit that has gone, and a delay above the one that stands.
        #expect(book.pendingCount == 1)
        #expect(
            book.unsettledDelays(of: TagID(rawValue: 0)) == ["overtemperature": [RunningDelay(start: 2_000, value: 90)]]
        )
    }
}
