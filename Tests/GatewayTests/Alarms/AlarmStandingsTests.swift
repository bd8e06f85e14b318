import Plant
import Testing
import ZooKeeperProtocol

@testable import Gateway

@Suite("AlarmStandings: records are written with their expected version")
struct AlarmStandingsTests {
    private func record(_ revision: Int64) throws -> AlarmRecord {
        AlarmRecord(
            path: try AlarmTestBed.alarm("press1"), lifeCycle: .init(condition: .high, isAcknowledged: false),
            priority: .high,
            eventID: "e", occurrence: 1, value: 90, limit: 85, since: 1, epoch: 1, changedAt: revision,
            sampledAt: revision, revision: revision)
    }

    private func version(_ operation: Operation) -> Int32? {
        if case .setData(_, _, let version) = operation { version } else { nil }
    }

    @Test("created when absent, then set in the version that each write leaves; known once committed")
    func versions() throws {
        var standings = AlarmStandings()
        var writes = AlarmStandings.Writes()
        let operations = try (1...3).map { try standings.write(try record($0), in: &writes) }
        guard case .create = operations[0] else { return #expect(Bool(false), "\(operations)") }
        #expect(operations.dropFirst().map(version) == [0, 1])
        #expect(try standings.revision(of: AlarmTestBed.alarm("press1")) == nil)
        standings.committed(writes)
        #expect(try standings.revision(of: AlarmTestBed.alarm("press1")) == 3)
        var next = AlarmStandings.Writes()
        #expect(version(try standings.write(try record(4), in: &next)) == 2)
    }

    @Test("what builds on an older record than the tree's is not written")
    func outdated() throws {
        var standings = AlarmStandings()
        let path = AlarmStore.nodePath(of: try AlarmTestBed.alarm("press1"))
        standings.found(path, .init(version: 7, revision: 5))
        var writes = AlarmStandings.Writes()
        #expect(throws: AlarmStandings.Outdated.self) { try standings.write(try record(5), in: &writes) }
        #expect(version(try standings.write(try record(6), in: &writes)) == 7)
    }

    @Test("a node that holds no record is overwritten; a known record that is missing or older is named")
    func missing() throws {
        var standings = AlarmStandings()
        let known = KnownRecords()
        known.take(try record(3))
        known.take(try record(2))
        #expect(known.missing(in: standings) == [try record(3)])
        let path = AlarmStore.nodePath(of: try AlarmTestBed.alarm("press1"))
        standings.found(path, .init(version: 7, revision: nil))
        #expect(known.missing(in: standings).count == 1)
        var writes = AlarmStandings.Writes()
        #expect(version(try standings.write(try record(4), in: &writes)) == 7)
        standings.found(path, .init(version: 7, revision: 3))
        #expect(known.missing(in: standings).isEmpty)
    }
}
