import Primitives
import TestFixtures
import Testing

@testable import Plant

@Suite("Transitions that are kept on disk")
struct AlarmSpoolTests {
    private func instant() throws -> AlarmDefinition { try AlarmFixture.definition(onDelay: 0, offDelay: 0) }

    /// As a process that has just started: it knows the records of the tree and what its disk has kept.
    private func restarted(
        _ spool: [UInt8], _ definition: AlarmDefinition, records: [AlarmRecord] = [], at now: Milliseconds = 1_000_000
    ) throws -> (book: AlarmBook, resumption: AlarmBook.Resumption) {
        var book = try AlarmFixture.book(definition)
        book.restore(records, at: now)
        let resumption = book.resume(try AlarmSpool(parsing: spool), at: now)
        return (book, resumption)
    }

    @Test("everything that tells of an edge comes back as it was")
    func roundTrip() throws {
        var book = try AlarmFixture.book(try instant())
        book.sample(90, at: 1000)
        book.sample(96.25, at: 2000)
        book.arrival(20, at: 3000)
        let spool = book.spool
        let text = String(decoding: spool.serialized(), as: UTF8.self)
        #expect(text.hasPrefix(#"{"spool":"alarm-transitions","version":1}"# + "\n"))
        #expect(text.split(separator: "\n").count == 4)
        let read = try AlarmSpool(parsing: spool.serialized())
        #expect(read.mistakes == 0 && read.count == 3)
        #expect(read.alarms.map(\.path) == spool.alarms.map(\.path))
        for (read, written) in zip(read.alarms[0].edges, spool.alarms[0].edges) {
            var expected = written
            expected.isResumed = true
            #expect(read == expected)
        }
        #expect(try AlarmSpool(parsing: AlarmSpool([]).serialized()).alarms.isEmpty)
    }

    @Test("what was not recorded is recorded after a restart, the same and in its order")
    func resumed() throws {
        var book = try AlarmFixture.book(try instant())
        for (time, value) in [(1000, 90.0), (2000, 20), (3000, 97), (4000, 90), (5000, 20), (6000, 91)] {
            book.sample(value, at: Milliseconds(time))
        }
        let expected = book.proposals(limit: .max, epoch: 7)
        #expect(expected.count == 6)
        let (after, resumption) = try restarted(book.spool.serialized(), try instant())
        #expect(resumption == AlarmBook.Resumption(resumed: 6, settled: 0, unconfigured: 0))
        #expect(after.proposals(limit: .max, epoch: 7) == expected)
        #expect(after.pendingCount == 6)
    }

    /// Given alarms of several tags, whose transitions are kept on disk alarm by alarm, when a process that has just started
    /// reads them back and hears more, then all that wait are proposed in the order of their times.
    @Test(
        "what several alarms have kept on disk is recorded in order of time over all of them", arguments: UInt64(1)...20
    )
    func severalAlarms(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let tags = ["c", "a", "d", "b"]
        func book() throws -> AlarmBook {
            var book = try AlarmBook(definitions: [try instant()])
            for (number, name) in tags.enumerated() {
                book.bind(tag: TagID(rawValue: UInt32(number)), path: try TagPath("factory/line1/\(name)/temperature"))
            }
            return book
        }
        // No two at the same time, so that there is one order.
        let samples = (1...60).map { step in
            (
                time: Milliseconds(step * 1000), tag: UInt32.random(in: 0..<4, using: &random),
                value: random.chance(50) ? 20 : Double.random(in: 86...100, using: &random)
            )
        }
        var before = try book()
        for sample in samples.prefix(40) { before.sample(sample.value, at: sample.time, tag: sample.tag) }
        let all = before.proposals(limit: .max, epoch: 7)
        #expect(all.map(\.at) == all.map(\.at).sorted() && Set(all.map(\.path)).count == tags.count, "seed \(seed)")
        // Some are recorded, in their order, before the process ends.
        let recorded = Int.random(in: 0...all.count / 2, using: &random)
        var records: [AlarmPath: AlarmRecord] = [:]
        for proposal in all.prefix(recorded) { records[proposal.path] = proposal.record }

        var after = try book()
        after.restore(records.values.sorted { $0.path < $1.path }, at: 40_000)
        let resumption = after.resume(try AlarmSpool(parsing: before.spool.serialized()), at: 40_000)
        #expect(resumption.resumed == all.count - recorded && resumption.settled == recorded, "seed \(seed)")
        #expect(after.proposals(limit: .max, epoch: 7) == Array(all.dropFirst(recorded)), "seed \(seed)")
        for sample in samples.dropFirst(40) {
            before.sample(sample.value, at: sample.time, tag: sample.tag)
            after.sample(sample.value, at: sample.time, tag: sample.tag)
        }
        let later = after.proposals(limit: .max, epoch: 7)
        #expect(later == Array(before.proposals(limit: .max, epoch: 7).dropFirst(recorded)), "seed \(seed)")
        #expect(later.count > all.count - recorded && later.map(\.at) == later.map(\.at).sorted(), "seed \(seed)")
    }

    @Test("what had been recorded before the restart is not recorded twice", arguments: 0...6)
    func recordedBefore(count: Int) throws {
        var book = try AlarmFixture.book(try instant())
        for (time, value) in [(1000, 90.0), (2000, 20), (3000, 97), (4000, 90), (5000, 20), (6000, 91)] {
            book.sample(value, at: Milliseconds(time))
        }
        let all = book.proposals(limit: .max, epoch: 7)
        let spool = book.spool.serialized()
        let (after, resumption) = try restarted(
            spool, try instant(), records: all.prefix(count).suffix(1).map(\.record))
        #expect(resumption == AlarmBook.Resumption(resumed: 6 - count, settled: count, unconfigured: 0))
        #expect(after.proposals(limit: .max, epoch: 7) == Array(all.dropFirst(count)))
    }

    /// Given an alarm that goes and comes within the time in which two dates may be of one edge, and a record that this gateway
    /// wrote, or another one that dates a little earlier or later, when this gateway starts, then only what follows waits.
    @Test(
        "what had been recorded of an alarm that chatters is not recorded twice", arguments: 0...6,
        [-40, 0, 40] as [Milliseconds])
    func chatterRecordedBefore(count: Int, difference: Milliseconds) throws {
        var book = try AlarmFixture.book(try instant())
        for step in 0..<6 { book.arrival(step.isMultiple(of: 2) ? 90 : 20, at: Milliseconds(1000 * (step + 1))) }
        let all = book.proposals(limit: .max, epoch: 7)
        #expect(all.count == 6)
        var record = all.prefix(count).last?.record
        record?.changedAt += difference
        let (after, _) = try restarted(book.spool.serialized(), try instant(), records: record.map { [$0] } ?? [])
        #expect(after.pendingSteps == all.dropFirst(count).map(Step.init))
    }

    /// Whatever had been recorded, and whatever the broker delivers again: what follows is what would have followed without
    /// the restart.
    @Test(
        "a restart at any moment changes nothing of what is recorded", arguments: [true, false])
    func equivalence(hasSourceTime: Bool) throws {
        for seed in UInt64(1)...300 {
            var random = SeededRandom(seed: seed)
            let definition = try AlarmFixture.definition(
                highHigh: Bool.random(using: &random) ? 95 : nil, low: Bool.random(using: &random) ? 10 : nil,
                onDelay: 0, offDelay: 0)
            let samples = (0..<30).map { step in
                (time: Milliseconds(10_000 + step * 10_000), value: Double.random(in: 0...100, using: &random))
            }
            func feed(_ book: inout AlarmBook, _ range: Range<Int>, notBefore start: Milliseconds = 0) {
                for index in range {
                    let (time, value) = samples[index]
                    if hasSourceTime {
                        book.sample(value, at: time, received: max(time, start))
                    } else {
                        book.arrival(value, at: time)
                    }
                }
            }
            var book = try AlarmFixture.book(definition)
            let end = Int.random(in: 1..<30, using: &random)
            feed(&book, 0..<end)
            let pending = book.proposals(limit: .max, epoch: 1)
            let recorded = Int.random(in: 0...pending.count, using: &random)
            var (after, _) = try restarted(
                book.spool.serialized(), definition, records: pending.prefix(recorded).suffix(1).map(\.record),
                at: samples[end - 1].time)
            for proposal in pending.prefix(recorded) { book.transitionRecorded(proposal.record, at: 0) }
            feed(&book, end..<30)
            // With times of their own, samples may come again.
            feed(
                &after, (hasSourceTime ? Int.random(in: 0...end, using: &random) : end)..<30,
                notBefore: samples[end - 1].time)
            let steps = after.pendingSteps
            try #require(steps == book.pendingSteps, "seed \(seed), \(end) samples, \(recorded) recorded")
            #expect(after.proposals(limit: .max, epoch: 1) == book.proposals(limit: .max, epoch: 1), "seed \(seed)")
        }
    }

    @Test("what another gateway has recorded beyond it is not recorded")
    func passedBy() throws {
        var book = try AlarmFixture.book(try instant())
        book.sample(90, at: 1000)
        book.sample(20, at: 2000)
        var other = try AlarmFixture.book(try instant())
        other.sample(91, at: 5000)
        let record = try #require(other.commitAll().last?.record)
        let (after, resumption) = try restarted(book.spool.serialized(), try instant(), records: [record])
        #expect(resumption == AlarmBook.Resumption(resumed: 0, settled: 2, unconfigured: 0))
        #expect(after.pendingCount == 0)
        #expect(after.condition(of: try AlarmFixture.path()) == .high)
    }

    @Test("without times of their own: what came within seconds of the last recorded change is not taken for it")
    func soonAfter() throws {
        var book = try AlarmFixture.book(try instant())
        book.arrival(90, at: 10_000)
        book.arrival(20, at: 11_000)
        let recorded = try #require(book.commitAll().last?.record)
        book.arrival(91, at: 12_000)
        book.arrival(20, at: 13_000)
        let expected = book.proposals(limit: .max, epoch: 1)
        var (after, resumption) = try restarted(book.spool.serialized(), try instant(), records: [recorded], at: 20_000)
        #expect(resumption == AlarmBook.Resumption(resumed: 2))
        #expect(after.proposals(limit: .max, epoch: 1) == expected)
        // Somebody has acknowledged it meanwhile: no edge.
        let acknowledged = try recorded.acknowledging(
            eventID: nil, by: Principal(claimed: "ann"), comment: nil, at: 15_000, epoch: 1
        ).get().record
        (after, resumption) = try restarted(
            book.spool.serialized(), try instant(), records: [acknowledged], at: 20_000)
        #expect(resumption == AlarmBook.Resumption(resumed: 2))
        #expect(after.pendingSteps == [.init(.activated, .high, at: 12_000), .init(.returned, .normal, at: 13_000)])
    }

    @Test("what a gateway that has lived through it disagrees with is given up; what it cannot know is not")
    func recorder() throws {
        var book = try AlarmFixture.book(try instant())
        book.sample(90, at: 1000)
        let spool = book.spool.serialized()
        var (after, _) = try restarted(spool, try instant(), at: 100_000)
        var dropped = after.dropPending(olderThan: 200_000, recorderSince: 1001, at: 200_000)
        #expect(dropped == 0 && after.pendingCount == 1)
        dropped = after.dropPending(olderThan: 200_000, recorderSince: 1000, at: 200_000)
        // Of what it has heard itself it knows nothing yet; the last value that it knows of stands until then.
        #expect(dropped == 1 && after.hasNewPending)

        var plant = try LivePlantFixture()
        func member(_ name: String, started: Milliseconds) -> GatewayMember {
            GatewayMember(
                name: name, life: GatewayLife(gateway: name, key: name), registration: 1, isReady: true,
                isSettled: true,
                routesDigest: nil, started: started)
        }
        plant.plant.membersSeen([member("a", started: 7), member("b", started: 9)])
        let record = try #require(book.proposals(limit: 1, epoch: 1).first?.record)
        plant.plant.transitionRecorded(record, isOurs: false, by: "b", at: plant.clock)
        #expect(plant.plant.recorderSince == 9)
        plant.plant.transitionRecorded(record, isOurs: false, by: "gone", at: plant.clock)
        #expect(plant.plant.recorderSince == .max)
    }

    @Test("an alarm that was removed meanwhile is not raised again")
    func removed() throws {
        var book = try AlarmFixture.book(try instant())
        book.sample(90, at: 1000)
        let record = try #require(book.proposals(limit: 1, epoch: 1).first?.record)
        var after = try AlarmFixture.book(try instant())
        let isForgotten = after.forget(record)
        let resumption = after.resume(try AlarmSpool(parsing: book.spool.serialized()), at: 9000)
        #expect(isForgotten && resumption == AlarmBook.Resumption(settled: 1))
        #expect(after.pendingCount == 0)
    }

    @Test("edges of a limit or an alarm that is not configured any more are left out")
    func unconfigured() throws {
        var book = try AlarmFixture.book(try instant())
        book.sample(90, at: 1000)
        book.sample(97, at: 2000)
        book.sample(20, at: 3000)
        let withoutOuter = try AlarmFixture.definition(highHigh: nil, onDelay: 0, offDelay: 0)
        let (after, resumption) = try restarted(book.spool.serialized(), withoutOuter)
        #expect(resumption == AlarmBook.Resumption(resumed: 2, settled: 1, unconfigured: 0))
        #expect(after.pendingSteps == [.init(.activated, .high, at: 1000), .init(.returned, .normal, at: 3000)])

        var empty = try AlarmBook(definitions: [])
        let none = empty.resume(try AlarmSpool(parsing: book.spool.serialized()), at: 9000)
        let path = try AlarmFixture.path()
        #expect(none.unconfigured == 3 && none.unknownAlarms == [path] && none.resumed == 0)
    }

    @Test("a standby does not give up what was computed in an earlier life because others record")
    func standbyKeeps() throws {
        var book = try AlarmFixture.book(try instant())
        book.sample(90, at: 1000)
        var (after, _) = try restarted(book.spool.serialized(), try instant(), at: 100_000)
        var dropped = after.dropPending(olderThan: 200_000, at: 200_000)
        #expect(dropped == 0 && !after.hasNewPending)
        #expect(after.pendingSteps == [.init(.activated, .high, at: 1000)])
        // What is computed in this life follows from it: without it the alarm would stand although the value has returned.
        after.sample(20, at: 110_000)
        dropped = after.dropPending(olderThan: 200_000, at: 200_000)
        #expect(dropped == 0)
        #expect(after.pendingSteps == [.init(.activated, .high, at: 1000), .init(.returned, .normal, at: 110_000)])
        after.commitAll(at: 200_000)
        #expect(!after.hasNewPending && after.pendingCount == 0)
        after.sample(90, at: 210_000)
        #expect(after.hasNewPending)
    }

    @Test("more than may wait leaves the newest of each alarm")
    func bounded() throws {
        var book = try AlarmFixture.book(try instant())
        for step in 0..<10 { book.sample(step.isMultiple(of: 2) ? 90 : 20, at: Milliseconds(1000 * (step + 1))) }
        var limits = AlarmBook.Limits()
        limits.pendingTotal = 5
        var after = try AlarmFixture.book(try instant(), limits: limits)
        let resumption = after.resume(try AlarmSpool(parsing: book.spool.serialized()), at: 100_000)
        #expect(resumption.resumed + resumption.settled == 1 && resumption.overflowed == 9)
    }

    @Test("a line that cannot be read costs itself alone, a file that is none is refused")
    func damaged() throws {
        var book = try AlarmFixture.book(try instant())
        book.sample(90, at: 1000)
        book.sample(20, at: 2000)
        var lines = String(decoding: book.spool.serialized(), as: UTF8.self).split(separator: "\n").map(String.init)
        lines.insert(#"{"tag":"factory/line1/press1/temperature","alarm":"overtemperature","condition":"hot"}"#, at: 2)
        lines.insert("\u{0}", at: 1)
        let spool = try AlarmSpool(parsing: Array(lines.joined(separator: "\n").utf8))
        #expect(spool.count == 2 && spool.mistakes == 2 && spool.firstMistake?.hasPrefix("line 2: ") == true)
        for none in [#"{"spool":"alarm-transitions","version":2}"#, #"{"spool":"x","version":1}"#] {
            #expect(throws: RecordMistake.self) { try AlarmSpool(parsing: Array(none.utf8)) }
        }
        for none in ["", "{}", "[]", "garbage"] {
            let spool = try AlarmSpool(parsing: Array(none.utf8))
            #expect(spool.count == 0 && spool.mistakes == 1)
        }
        // The first line alone is damaged, or has gone.
        let sound = String(decoding: book.spool.serialized(), as: UTF8.self)
        for damaged in ["x" + sound, String(sound.drop { $0 != "\n" }.dropFirst())] {
            let spool = try AlarmSpool(parsing: Array(damaged.utf8))
            #expect(spool.count == 2 && spool.mistakes == 1 && spool.firstMistake?.hasPrefix("line 1: ") == true)
        }
    }

    @Test("no damage ends the process, and what is read can be taken up")
    func mutants() throws {
        var book = try AlarmFixture.book(try instant())
        for step in 0..<6 { book.sample(step.isMultiple(of: 2) ? 96.5 : 20, at: Milliseconds(1000 * (step + 1))) }
        let sound = book.spool.serialized()
        var random = SeededRandom(seed: 11)
        for _ in 0..<5000 {
            var bytes = sound
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let position = Int.random(in: bytes.indices, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[position] = UInt8.random(in: .min ... .max, using: &random)
                case 1: bytes[position] = UInt8(ascii: "0") + UInt8.random(in: 0...9, using: &random)
                default: bytes.remove(at: position)
                }
            }
            guard let spool = try? AlarmSpool(parsing: bytes) else { continue }
            var after = try AlarmFixture.book(try instant())
            let resumption = after.resume(spool, at: 1_000_000)
            #expect(resumption.resumed + resumption.settled + resumption.unconfigured == spool.count)
            after.sample(20, at: 2_000_000)
            _ = after.commitAll(at: 2_000_000)
            #expect(after.pendingCount == 0)
        }
    }
}
