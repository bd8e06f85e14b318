import JSON
import OrderedCollections
import Testing

@testable import Plant

@Suite("What every record is read with")
struct RecordReaderTests {
    private enum Member: String, CaseIterable { case text, flag, whole, time, count, number, object, quality }
    private enum Word: String, CaseIterable { case one, two }

    private func reader(_ text: String) throws -> RecordReader<Member> {
        try RecordReader(parsing: Array(text.utf8))
    }

    @Test("Members are read as what they should be; those that are not known are left")
    func members() throws {
        let reader = try reader(
            #"{"z":1,"text":"two","flag":true,"whole":-3,"time":5,"count":7,"number":1.5,"object":{"a":null},"y":null}"#
        )
        #expect(try reader.text(.text) == "two" && reader.name(.text, of: Word.self) == .two)
        #expect(try reader.bool(.flag) == true && reader.integer(.whole) == -3 && reader.time(.time) == 5)
        #expect(try reader.count(.count) == 7 && reader.number(.number) == 1.5)
        #expect(try reader.object(.object) == ["a": .null])
        #expect(reader.additional == ["z": 1, "y": .null])
    }

    @Test(
        "A member that is null says no more than one that is missing",
        arguments: ["{}", #"{"text":null,"whole":null}"#])
    func nothing(text: String) throws {
        let reader = try reader(text)
        #expect(try reader.text(.text) == nil && reader.integer(.whole) == nil)
        for mistake in [
            #expect(throws: RecordMistake.self) { try reader.requiredText(.text) },
            #expect(throws: RecordMistake.self) { try reader.requiredName(.text, of: Word.self) },
        ] {
            #expect(mistake == RecordMistake("text", "is missing"))
        }
        #expect(throws: RecordMistake("whole", "is missing")) { try reader.requiredInteger(.whole) }
        #expect(throws: RecordMistake("time", "is missing")) { try reader.requiredTime(.time) }
    }

    @Test("A member that is something else is named, and what it must be")
    func mistakes() throws {
        let reader = try reader(
            #"{"text":1,"flag":"x","whole":1.5,"time":-1,"count":-1,"number":"1","object":[],"quality":"three"}"#)
        #expect(throws: RecordMistake("text", "is 1, must be text")) { try reader.text(.text) }
        #expect(throws: RecordMistake("flag", #"is "x", must be true or false"#)) { try reader.bool(.flag) }
        #expect(throws: RecordMistake("whole", "is 1.5, must be an integer")) { try reader.integer(.whole) }
        #expect(throws: RecordMistake("time", "is -1, must be a time in milliseconds since 1970")) {
            try reader.time(.time)
        }
        #expect(throws: RecordMistake("count", "is -1, must be an integer from 0 to 2^53")) {
            try reader.count(.count)
        }
        #expect(throws: RecordMistake("number", #"is "1", must be a number"#)) { try reader.number(.number) }
        #expect(throws: RecordMistake("object", "is [], must be an object")) { try reader.object(.object) }
        #expect(throws: RecordMistake("quality", #"is "three", must be one of one, two"#)) {
            try reader.name(.quality, of: Word.self)
        }
    }

    @Test("What is no object, or too long, is no record")
    func documents() throws {
        #expect(throws: RecordMistake(nil, "not a JSON object")) { try reader("[]") }
        #expect(throws: RecordMistake.self) { try reader("") }
        #expect(throws: RecordMistake(nil, "larger than 1 bytes")) {
            try RecordReader<Member>(parsing: Array("{}".utf8), sizeLimit: 1)
        }
    }
}
