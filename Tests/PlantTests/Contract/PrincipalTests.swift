import JSON
import OrderedCollections
import TestFixtures
import Testing

@testable import Plant

@Suite("Principals in records")
struct PrincipalTests {
    private static let verified = Principal("ann", established: .mailbox, isVerified: true)

    private static func command(by principal: Principal) throws -> CommandRecord {
        CommandRecord(id: "a", device: try TagPath("f/l/m"), command: "go", by: principal, requestedAt: 1)
    }

    @Test("a name that is only claimed leaves records as they always were")
    func claimed() throws {
        let record = try Self.command(by: Principal(claimed: "ann"))
        #expect(record.json["by"] == "ann" && record.json["principal"] == nil)
        let entry = JournalEntry(kind: .command, at: 1, gateway: "g", by: Principal(claimed: "ann"))
        #expect("\(entry.json)" == #"{"kind":"command","at":1,"gateway":"g","by":"ann"}"#)
    }

    @Test("how a name was established stands beside it, in commands, alarms and the journal, and is read again")
    func established() throws {
        var record = try Self.command(by: Self.verified)
        record.cancelRequestedBy = Principal("bob", established: .topic)
        record.cancelRequestedAt = 7
        #expect(try CommandRecord(parsing: record.serialized(), id: "a") == record)
        #expect(record.json["by"] == "ann")
        #expect(record.json["principal"] == ["name": "ann", "established": "mailbox", "verified": true])
        #expect(record.json["cancelPrincipal"] == ["name": "bob", "established": "topic", "verified": false, "at": 7])

        let entry = JournalEntry(kind: .command, at: 1, gateway: "g", by: Self.verified)
        #expect(try JournalEntry(parsing: entry.serialized()) == entry)

        let alarm = try AlarmFixture.path()
        var standing = AlarmRecord(
            path: alarm, lifeCycle: .init(condition: .high, isAcknowledged: true), priority: .high, eventID: "e",
            occurrence: 1, value: 9, limit: 8, since: 1, epoch: 1, changedAt: 1, sampledAt: 1, revision: 2)
        standing.acknowledgedBy = Self.verified
        standing.acknowledgedAt = 5
        #expect(try AlarmRecord(parsing: standing.serialized()) == standing)
        #expect(standing.json["ackBy"] == "ann")
        // Of another acknowledgement, which an older gateway has recorded and left the proof of the last one beside it.
        var members = try #require(standing.json.objectValue)
        members["ackAt"] = 6
        #expect(try AlarmRecord(json: .object(members)).acknowledgedBy == Principal(claimed: "ann"))
    }

    @Test("an older gateway that writes another name, and keeps what it does not know, has not verified it")
    func kept() throws {
        var members = try #require(try Self.command(by: Self.verified).json.objectValue)
        members["by"] = "eve"
        let record = try CommandRecord(json: .object(members), id: "a")
        #expect(record.by == Principal(claimed: "eve"))
        // Nor does what somebody has made up.
        for strange in [#"{"name":"ann"}"#, #"{"name":1,"established":"mailbox"}"#, "7", "[]", "null"] {
            members["by"] = "ann"
            members["principal"] = try JSONValue(parsing: strange)
            #expect(try CommandRecord(json: .object(members), id: "a").by == Principal(claimed: "ann"), "\(strange)")
        }
    }

    @Test("ways that a later version adds are kept")
    func later() throws {
        let badge = Principal("ann", established: .init(rawValue: "badge"), isVerified: true)
        let record = try Self.command(by: badge)
        #expect(try CommandRecord(parsing: record.serialized(), id: "a").by == badge)
    }
}
