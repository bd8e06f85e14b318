import JSON
import OrderedCollections
import Plant
import Primitives
import TestFixtures
import Testing

@Suite("CommandRecord")
struct CommandRecordTests {
    @Test("a record comes back as it was written, foreign members included")
    func roundTrip() throws {
        var record = CommandRecord(
            id: "a.b_c-1", device: DeskFixture.press1, command: "setSpeed",
            parameters: ["rpm": 1200, "mode": "auto", "ramp": 0.5, "list": [1, 2]], by: Principal(claimed: "ada"),
            requestedAt: 5,
            deadline: 10, timeout: 7)
        record.execution = .idempotent
        record.state = .timedOut
        record.attempt = 2
        record.sentAt = 6
        record.finishedAt = 11
        record.reason = .deadline
        record.detail = "no \"answer\""
        record.result = ["x": nil]
        record.gateway = "g1"
        record.epoch = 77
        record.cancelRequestedBy = Principal(claimed: "bob")
        record.cancelRequestedAt = 9
        record.additional = ["ticket": "T-1"]
        let bytes = record.serialized()
        #expect(try CommandRecord(parsing: bytes, id: "a.b_c-1") == record)
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(
            text.hasPrefix(
                #"{"id":"a.b_c-1","device":"factory/line1/press1","command":"setSpeed","parameters":{"rpm":1200,"#))
        #expect(text.contains(#""state":"TIMED_OUT""#))
        // Every truncation is a mistake, none a trap.
        for length in 0..<bytes.count {
            #expect(throws: RecordMistake.self) {
                try CommandRecord(parsing: Array(bytes.prefix(length)), id: "a.b_c-1")
            }
        }
        var dice = SeededRandom(seed: 3)
        for _ in 0..<5000 {
            var mutated = bytes
            for _ in 0..<Int.random(in: 1...4, using: &dice) {
                mutated[Int.random(in: 0..<mutated.count, using: &dice)] = UInt8.random(in: 0...255, using: &dice)
            }
            _ = try? CommandRecord(parsing: mutated, id: "a.b_c-1")
        }
    }

    @Test("the least that a request needs")
    func least() throws {
        let record = try CommandRecord(
            parsing: Array(#"{"device":"f/l/m","command":"go","by":"ada","requestedAt":1}"#.utf8), id: "x")
        #expect(
            record
                == CommandRecord(
                    id: "x", device: DeskFixture.device("f/l/m"), command: "go", by: Principal(claimed: "ada"),
                    requestedAt: 1)
        )
    }

    @Test(
        "what is no record, and why",
        arguments: [
            (#"[]"#, "not a JSON object"), (#"{"command":"go"}"#, "device: is missing"),
            (#"{"device":"f"}"#, "command: is missing"),
            (#"{"id":"y","device":"f","command":"go"}"#, #"id: is "y", must be "x""#),
            (#"{"device":"f/+","command":"go"}"#, "device: it contains + or #, which only filters may"),
            (#"{"device":"f//m","command":"go"}"#, "device: it has an empty level"),
            (#"{"device":"$SYS/x","command":"go"}"#, "device: it begins with $"),
            (#"{"device":"f\u0007","command":"go"}"#, "device: it contains control characters"),
            (#"{"device":"f","command":"go","state":"DONE"}"#, "state: is \"DONE\", must be one of REQUESTED"),
            (
                #"{"device":"f","command":"go","requestedAt":"now"}"#,
                "requestedAt: is \"now\", must be a time in milliseconds"
            ),
            (#"{"device":"f","command":"go","requestedAt":1e300}"#, "must be a time in milliseconds"),
            (#"{"device":"f","command":"go","parameters":[]}"#, "parameters: is [], must be an object"),
        ])
    func mistakes(text: String, expected: String) {
        #expect {
            _ = try CommandRecord(parsing: Array(text.utf8), id: "x")
        } throws: { error in
            #expect("\(error)".contains(expected), "\(error)")
            return true
        }
    }

    @Test("ids are legal names of znodes and levels of topics")
    func ids() {
        for id in ["a", "0", "2024-01-01T10_00.1", String(repeating: "x", count: 64), "-", "a.."] {
            #expect(CommandRecord.mistake(inID: id) == nil, "\(id)")
        }
        for id in [
            "", ".", "..", ".a", "@a", "a/b", "a b", "é", "a+", "#", "request", "a\n",
            String(repeating: "x", count: 65),
        ] {
            #expect(CommandRecord.mistake(inID: id) != nil, "\(id)")
        }
    }

    @Test("a repetition is told from another command under the same id")
    func repetition() {
        let original = DeskFixture.request("a", "setSpeed", at: 5)
        #expect(original.isRepeated(by: DeskFixture.request("a", "setSpeed", at: 99)))
        #expect(!original.isRepeated(by: DeskFixture.request("a", "start", at: 5)))
        #expect(!original.isRepeated(by: DeskFixture.request("a", "setSpeed", device: DeskFixture.press2)))
        var other = original
        other.parameters["rpm"] = 800
        #expect(!original.isRepeated(by: other))
        other.parameters = ["rpm": 700.0]
        #expect(original.isRepeated(by: other))
        other.parameters = [:]
        #expect(!original.isRepeated(by: other))
        // The owner has filled in a default since.
        var completed = original
        completed.epoch = 1
        completed.parameters["ramp"] = 1
        #expect(completed.isRepeated(by: original))
    }

    @Test("a journal entry says who, what and what came of it")
    func journal() {
        var record = DeskFixture.request("a", "setSpeed")
        record.state = .failed
        record.reason = .device
        record.gateway = "g1"
        record.epoch = 9
        #expect(
            record.journalEntry(from: .sent, at: 50).json == [
                "kind": "command", "at": 50, "gateway": "g1", "epoch": 9, "by": "ada", "transition": "FAILED",
                "from": "SENT", "id": "a",
                "device": "factory/line1/press1", "command": "setSpeed", "parameters": ["rpm": 700], "attempt": 0,
                "reason": "device",
            ])
    }
}
