import JSON
import OrderedCollections
import Primitives
import TestFixtures
import Testing

@testable import Plant

@Suite("What a command's message says: templates and what fills them")
struct CommandPayloadTests {
    static func json(_ text: String) throws -> CommandPayload { .json(try CommandJSON(JSONValue(parsing: text))) }

    static func text(_ text: String) throws -> CommandPayload { .text(try CommandText(text)) }

    /// A command of plug `hall` with these parameters.
    static func message(
        _ payload: CommandPayload, _ parameters: [CommandParameter] = [],
        _ given: OrderedDictionary<String, JSONValue> = [:], topic: String = "cmnd/{name}/POWER"
    ) throws -> CommandMessage {
        let definition = try CommandDefinition(
            name: "switch", devices: CommandDevices("tasmota/{name}"), topic: DeviceTemplate(topic),
            parameters: parameters, payload: payload, execution: .idempotent)
        var record = CommandRecord(
            id: "c-1", device: DeskFixture.device("tasmota/hall"), command: "switch", by: Principal(claimed: "ada"),
            requestedAt: 0)
        record.parameters = try definition.checked(given)
        return try definition.message(record, deadline: 5_000, epoch: 77)
    }

    static func sent(
        _ payload: CommandPayload, _ parameters: [CommandParameter] = [],
        _ given: OrderedDictionary<String, JSONValue> = [:]
    ) throws -> String {
        String(decoding: try message(payload, parameters, given).payload, as: UTF8.self)
    }

    @Test("plain text, braces, and everything that is known of a command")
    func texts() throws {
        let on = CommandParameter(name: "on", kind: .bool, words: [.init(true, "ON"), .init(false, "OFF")])
        #expect(try Self.sent(.nothing) == "")
        #expect(try Self.sent(Self.text("ON")) == "ON")
        #expect(try Self.sent(Self.text("{on}"), [on], ["on": true]) == "ON")
        #expect(try Self.sent(Self.text("{on}"), [on], ["on": false]) == "OFF")
        #expect(
            try Self.sent(Self.text("{{\"a\": {n}}}"), [.init(name: "n", kind: .number)], ["n": 0.5]) == #"{"a": 0.5}"#)
        #expect(
            try Self.sent(Self.text("{id} {deadline} {epoch} {command}")) == "c-1 5000 77 switch")
        #expect(try Self.sent(Self.text("{name}")) == "hall")
        #expect(try Self.sent(Self.text("{by}")) == "ada")
        #expect(try Self.sent(Self.text("{device}")) == "tasmota/hall")
        #expect(try Self.message(Self.text("x")).form == .text)
        #expect(try Self.message(.nothing).form == .nothing)
        let free = CommandParameter(name: "t", kind: .text)
        #expect(try Self.sent(Self.text("{t}"), [free], ["t": "a;b {id} }{"]) == "a;b {id} }{", "filled once")
    }

    @Test("texts that are no templates", arguments: ["{", "}", "{a", "a}", "{}", "{a{b}}", "{{a}", "x{{}"])
    func unbalanced(text: String) {
        #expect(throws: CommandText.Mistake.self) { try CommandText(text) }
    }

    @Test(
        "JSON: a placeholder alone keeps its type, with more around it becomes text, and what is not given is left out")
    func documents() throws {
        let parameters = [
            CommandParameter(name: "on", kind: .bool),
            CommandParameter(name: "level", kind: .integer, isRequired: false),
            CommandParameter(name: "mode", kind: .text, defaultValue: "eco"),
        ]
        let template = try Self.json(
            #"{"id":"{id}","on":"{on}","level":"{level}","all":["{mode}",1,null,"{on}"],"say":"{mode}: {on} {{x}}","deep":{"a":"{epoch}"}}"#
        )
        // Left out of an array, it would have the others move up.
        #expect(throws: CommandDefinition.Mistake.optionalPlaceholder("level", in: .payload)) {
            try Self.sent(Self.json(#"{"all":["{level}","{on}"]}"#), parameters, ["on": true])
        }
        #expect(
            try Self.sent(template, parameters, ["on": true])
                == #"{"id":"c-1","on":true,"all":["eco",1,null,true],"say":"eco: true {x}","deep":{"a":77}}"#)
        #expect(
            try Self.sent(template, parameters, ["on": false, "level": 3, "mode": "\"},\"on\":true"])
                == #"{"id":"c-1","on":false,"level":3,"all":["\"},\"on\":true",1,null,false],"say":"\"},\"on\":true: false {x}","deep":{"a":77}}"#
        )
        #expect(try Self.sent(Self.json(#""{on}""#), parameters, ["on": true]) == "true")
        #expect(try Self.message(template, parameters, ["on": true]).form == .json)
        #expect(throws: CommandJSON.Mistake.placeholderInName("{on}")) { try Self.json(#"{"{on}":1}"#) }
        #expect(throws: CommandJSON.Mistake.self) { try Self.json(#"{"a":"{"}"#) }
        let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        #expect(throws: CommandJSON.Mistake.tooDeep) { try Self.json(deep) }
    }

    @Test("whatever a parameter contains, the document keeps its structure and its other members", arguments: 0..<50)
    func structure(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let alphabet: [Character] = ["\"", "\\", "{", "}", "[", ",", ":", "\n", "\0", "a", "ü", "\u{2028}", "/", "#"]
        let nasty = String(
            (0..<Int.random(in: 0..<40, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "x" })
        let template = try Self.json(#"{"id":"{id}","a":"{t}","b":["x {t} y"],"c":{"d":1}}"#)
        let sent = try Self.sent(template, [CommandParameter(name: "t", kind: .text)], ["t": .string(nasty)])
        let read = try JSONValue(parsing: sent)
        let expected: JSONValue = [
            "id": "c-1", "a": .string(nasty), "b": [.string("x \(nasty) y")], "c": ["d": 1],
        ]
        #expect(read == expected, "\(nasty)")
    }

    @Test("without a template, Linekeeper's own form, in which no word and no placeholder is filled")
    func envelope() throws {
        let on = CommandParameter(name: "on", kind: .bool, words: [.init(true, "ON"), .init(false, "OFF")])
        #expect(
            try Self.sent(.envelope, [on], ["on": true])
                == #"{"id":"c-1","command":"switch","parameters":{"on":true},"by":"ada","deadline":5000,"epoch":77}"#)
        #expect(try Self.message(.envelope).form == .json)
    }

    @Test("words: of every kind of value, as any scalar")
    func words() throws {
        let parameters = [
            CommandParameter(name: "m", kind: .integer, words: [.init(1, "one"), .init(2, 2.5)]),
            CommandParameter(
                name: "s", kind: .text, values: ["up", "down"], words: [.init("up", true), .init("down", 0)]),
        ]
        let template = try Self.json(#"{"m":"{m}","s":"{s}"}"#)
        #expect(try Self.sent(template, parameters, ["m": 1.0, "s": "up"]) == #"{"m":"one","s":true}"#)
        #expect(try Self.sent(template, parameters, ["m": 2, "s": "down"]) == #"{"m":2.5,"s":0}"#)
        #expect(throws: CommandParameter.Mistake.noWord("m", value: 3, known: [1, 2])) {
            try Self.sent(template, parameters, ["m": 3, "s": "up"])
        }
    }

    @Test("a payload is bounded")
    func bounded() throws {
        let text = CommandParameter(name: "t", kind: .text)
        let many = try CommandJSON(.array(Array(repeating: "{t}", count: 17)))
        let long = JSONValue.string(String(repeating: "x", count: CommandParameter.textLengthLimit))
        #expect(throws: CommandParameter.Mistake.self) { try Self.sent(.json(many), [text], ["t": long]) }
        #expect(try Self.sent(.json(many), [text], ["t": "x"]).utf8.count < 100)
    }
}
