import JSON
import OrderedCollections
import Testing

@testable import Plant

@Suite("Where a command goes, and definitions that cannot be")
struct CommandTemplateTests {
    typealias Mistake = CommandDefinition.Mistake

    static func definition(
        devices: String = "tasmota/{name}", topic: String = "cmnd/{name}/POWER",
        parameters: [CommandParameter] = [], payload: CommandPayload = .envelope, qos: CommandQoS? = nil,
        execution: CommandExecution = .idempotent, answer: CommandAnswerRule? = nil,
        verification: CommandVerification? = nil
    ) throws -> CommandDefinition {
        try CommandDefinition(
            name: "switch", devices: CommandDevices(devices), topic: DeviceTemplate(topic), parameters: parameters,
            payload: payload, qos: qos, execution: execution, answer: answer, verification: verification)
    }

    static func topic(
        _ definition: CommandDefinition, _ device: String, _ given: OrderedDictionary<String, JSONValue> = [:]
    ) throws -> String {
        var record = DeskFixture.request("a", "switch", device: DeskFixture.device(device))
        record.parameters = try definition.checked(given)
        return try definition.message(record, deadline: 0, epoch: 0).topic
    }

    static func answer(_ topic: String, id: CommandAnswerRule.Identification) throws -> CommandAnswerRule {
        CommandAnswerRule(
            topic: try DeviceTemplate(topic), id: id, succeeded: [.init(pointer: try JSONPointer("/ok"), value: true)])
    }

    /// U+FFFF, which stands for no character.
    static let strange = String(decoding: [0xEF, 0xBF, 0xBF], as: UTF8.self)

    // MARK: Devices

    @Test("devices by filter and by template")
    func devices() throws {
        let named = try CommandDevices("tasmota/{name}")
        #expect(named.matches(DeskFixture.device("tasmota/hall")))
        #expect(
            !named.matches(DeskFixture.device("tasmota/hall/x")) && !named.matches(DeskFixture.device("shelly/hall")))
        #expect(named.levels(of: DeskFixture.device("tasmota/hall")) == ["name": "hall"])
        let several = try CommandDevices("z/{name...}/end")
        #expect(several.matches(DeskFixture.device("z/a/b/end")) && !several.matches(DeskFixture.device("z/a/b")))
        #expect(several.filter.text == "z/#" && several.isToldByNames)
        #expect(try !CommandDevices("z/+/{name}").isToldByNames)
        #expect(try CommandDevices("factory/+").names == [])
        #expect(try CommandDevices("plug").isOne && !CommandDevices("plug/+").isOne)
        #expect(throws: CommandDevices.Mistake.self) { try CommandDevices("a/{b") }
        #expect(throws: CommandDevices.Mistake.self) { try CommandDevices("a/x{b}") }
        #expect(throws: CommandDevices.Mistake.self) { try CommandDevices("a+/b") }
    }

    @Test(
        "a topic tells devices apart",
        arguments: [
            ("factory/+", "{device}/cmd", true), ("factory/+", "cmd", false), ("plug", "cmnd/plug/POWER", true),
            ("tasmota/{name}", "cmnd/{name}/POWER", true), ("tasmota/{name}", "cmnd/POWER", false),
            ("t/{a}/{b}", "c/{a}", false), ("t/{a}/{b}", "c/{b}/{a}", true), ("t/{a}/{b}", "{device}", true),
            ("t/{a}/+", "c/{a}", false), ("t/{a}/#", "c/{a}", false), ("t/{a...}", "c/{a}/set", true),
            ("t/+/{a}", "{device}/{a}", true),
        ])
    func tellsApart(devices: String, topic: String, isRight: Bool) throws {
        if isRight {
            _ = try Self.definition(devices: devices, topic: topic)
        } else {
            #expect {
                try Self.definition(devices: devices, topic: topic)
            } throws: { error in
                guard case Mistake.topicForAll? = error as? Mistake else { return false }
                return "\(error)".contains("every device would hear the command")
            }
        }
    }

    @Test("topics, and the filters that take them in")
    func topics() throws {
        let output = CommandParameter(name: "output", kind: .text, defaultValue: "POWER")
        let tasmota = try Self.definition(topic: "cmnd/{name}/{output}", parameters: [output])
        #expect(try Self.topic(tasmota, "tasmota/hall") == "cmnd/hall/POWER")
        #expect(try Self.topic(tasmota, "tasmota/hall", ["output": "POWER2"]) == "cmnd/hall/POWER2")
        #expect(tasmota.topic.filter(devices: tasmota.devices) == "cmnd/+/+")
        let zigbee = try Self.definition(devices: "zigbee2mqtt/{name...}", topic: "zigbee2mqtt/{name}/set")
        #expect(try Self.topic(zigbee, "zigbee2mqtt/hall/lamp") == "zigbee2mqtt/hall/lamp/set")
        #expect(zigbee.topic.filter(devices: zigbee.devices) == "zigbee2mqtt/#")
        let shelly = try Self.definition(devices: "shelly/{name}", topic: "{name}/rpc")
        #expect(try Self.topic(shelly, "shelly/plus1") == "plus1/rpc")
        #expect(shelly.topic.filter(devices: shelly.devices) == "+/rpc")
        #expect(
            PlantDefinition(commands: [tasmota, zigbee, shelly]).commandFilters.map(\.text) == ["cmnd/+/+", "+/rpc"])
        let mapped = CommandParameter(name: "n", kind: .integer, words: [.init(1, "POWER1"), .init(2, "POWER2")])
        #expect(
            try Self.topic(Self.definition(topic: "cmnd/{name}/{n}", parameters: [mapped]), "tasmota/a", ["n": 2])
                == "cmnd/a/POWER2")
    }

    @Test(
        "placeholders are whole levels, with names",
        arguments: [
            "a{b}/{device}", "{device}/{b}c", "{device}{b}", "{device}/{}", "{device}/{b", "{device}/b}", "",
            "{device}/#",
        ])
    func templates(text: String) {
        #expect(throws: DeviceTemplate.Mistake.self) { try DeviceTemplate(text) }
    }

    @Test(
        "nothing that a parameter contains changes the topic",
        arguments: [
            "", "/", "a/b", "+", "#", "a+", "a\0", "a\n", "\u{7F}", "a\u{85}", strange, "a" + strange,
            String(repeating: "x", count: 257),
        ])
    func levels(text: String) throws {
        let definition = try Self.definition(
            topic: "cmnd/{name}/{p}", parameters: [CommandParameter(name: "p", kind: .text)])
        #expect {
            try definition.checked(["p": .string(text)])
        } throws: { error in
            guard case CommandParameter.Mistake.notALevel("p", _, let why)? = error as? CommandParameter.Mistake else {
                return false
            }
            return "\(error)".contains("parameter p") && "\(error)".contains(why)
        }
        #expect(try Self.topic(definition, "tasmota/a", ["p": "ü x$%.. {name}"]) == "cmnd/a/ü x$%.. {name}")
    }

    @Test("values that are known beforehand and cannot be a level are a mistake")
    func knownLevels() {
        for parameter in [
            CommandParameter(name: "p", kind: .text, values: ["a", "a/b"]),
            CommandParameter(name: "p", kind: .text, defaultValue: "+"),
            CommandParameter(name: "p", kind: .integer, words: [.init(1, "a#")]),
        ] {
            #expect {
                try Self.definition(topic: "cmnd/{name}/{p}", parameters: [parameter])
            } throws: { error in
                if case Mistake.value("p", .notALevel)? = error as? Mistake { true } else { false }
            }
        }
    }

    @Test("numbers are levels too, as long as they have no plus sign")
    func numbers() throws {
        let definition = try Self.definition(
            topic: "cmnd/{name}/{p}", parameters: [CommandParameter(name: "p", kind: .number)])
        #expect(try Self.topic(definition, "tasmota/a", ["p": -2.5]) == "cmnd/a/-2.5")
        #expect(throws: CommandParameter.Mistake.self) { try definition.checked(["p": 1e300]) }
    }

    @Test("a whole topic must be one to publish on, and none of Linekeeper's own")
    func wholeTopics() throws {
        let shelly = try Self.definition(devices: "shelly/{name...}", topic: "{name}/rpc")
        for device in ["shelly/$SYS", "shelly/linekeeper/plant", "shelly/a" + Self.strange] {
            #expect(throws: CommandParameter.Mistake.self) { try Self.topic(shelly, device) }
        }
        let twice = try Self.definition(devices: "shelly/{name}", topic: "{name}/{name}")
        #expect(throws: CommandParameter.Mistake.self) {
            try Self.topic(twice, "shelly/" + String(repeating: "x", count: 600))
        }
        let chosen = try Self.definition(
            devices: "plug", topic: "{p}/{q}/x",
            parameters: [CommandParameter(name: "p", kind: .text), CommandParameter(name: "q", kind: .text)])
        for first in ["$share", "linekeeper"] {
            #expect(throws: CommandParameter.Mistake.self) {
                try Self.topic(chosen, "plug", ["p": .string(first), "q": "b"])
            }
        }
        #expect(try Self.topic(chosen, "plug", ["p": "a", "q": "$b"]) == "a/$b/x")
        for own in ["linekeeper/{name}/cmd", "$SYS/{name}"] {
            #expect(throws: Mistake.ownTopic(own)) { try Self.definition(devices: "x/{name}", topic: own) }
        }
    }

    // MARK: Mistakes

    @Test("placeholders that are not known are named with what is known")
    func unknownPlaceholders() throws {
        func mistake(_ body: () throws -> CommandDefinition) -> Mistake? {
            do { _ = try body() } catch { return error as? Mistake }
            return nil
        }
        #expect(
            mistake { try Self.definition(topic: "cmnd/{name}/{x}") }
                == .unknownPlaceholder("x", in: .topic, known: ["device", "name"]))
        #expect(
            mistake { try Self.definition(payload: CommandPayloadTests.text("{x}")) }?.keyPath == ["payload"])
        #expect(
            mistake { try Self.definition(payload: CommandPayloadTests.json(#"[{"a":"b {x}"}]"#)) }
                == .unknownPlaceholder("x", in: .payload, known: CommandPlaceholders.own + ["name"]))
        let parameter = CommandParameter(name: "p", kind: .integer)
        // What an operator gives is not known where answers are listened for.
        #expect(
            mistake {
                try Self.definition(parameters: [parameter], answer: Self.answer("stat/{name}/{p}", id: .correlation))
            } == .unknownPlaceholder("p", in: .answerTopic, known: ["device", "name"]))
        let tag = try CommandVerification(tag: DeviceTemplate("{device}/{x}"), wanted: .constant(true))
        #expect(mistake { try Self.definition(verification: tag) }?.keyPath == ["verify", "tag"])
        let value = try CommandVerification(tag: DeviceTemplate("{device}/x"), wanted: .parameter("id"))
        #expect(mistake { try Self.definition(verification: value) }?.keyPath == ["verify", "value"])
    }

    @Test("what may be missing stands only where it can be left out")
    func optionalPlaceholders() throws {
        let optional = CommandParameter(name: "p", kind: .integer, isRequired: false)
        _ = try Self.definition(parameters: [optional], payload: CommandPayloadTests.json(#"{"a":"{p}"}"#))
        let wrong: [() throws -> CommandDefinition] = [
            { try Self.definition(topic: "cmnd/{name}/{p}", parameters: [optional]) },
            { try Self.definition(parameters: [optional], payload: CommandPayloadTests.text("{p}")) },
            { try Self.definition(parameters: [optional], payload: CommandPayloadTests.json(#"{"a":"x{p}"}"#)) },
            { try Self.definition(parameters: [optional], payload: CommandPayloadTests.json(#""{p}""#)) },
            {
                try Self.definition(
                    parameters: [optional],
                    verification: .init(tag: DeviceTemplate("{device}/x"), wanted: .parameter("p")))
            },
            {
                try Self.definition(
                    parameters: [optional],
                    verification: .init(tag: DeviceTemplate("{device}/{p}"), wanted: .constant(1)))
            },
        ]
        for definition in wrong {
            #expect {
                try definition()
            } throws: { error in
                if case Mistake.optionalPlaceholder("p", _)? = error as? Mistake { true } else { false }
            }
        }
        let withDefault = CommandParameter(name: "p", kind: .integer, defaultValue: 1, isRequired: false)
        _ = try Self.definition(topic: "cmnd/{name}/{p}", parameters: [withDefault])
    }

    @Test("one name means one thing")
    func names() throws {
        for name in CommandPlaceholders.own + ["name"] {
            #expect(throws: Mistake.ambiguousName(name)) {
                try Self.definition(parameters: [CommandParameter(name: name, kind: .bool)])
            }
        }
        #expect(throws: Mistake.reservedLevel("id")) { try Self.definition(devices: "shelly/{id}", topic: "{id}/rpc") }
        // As in earlier versions, where nothing is filled.
        _ = try Self.definition(
            devices: "f/+", topic: "{device}/cmd", parameters: [CommandParameter(name: "id", kind: .text)])
    }

    @Test(
        "in a text, what somebody outside writes stands alone, because beside other text it could be a second command")
    func freeText() throws {
        let free = CommandParameter(name: "t", kind: .text)
        let listed = CommandParameter(name: "t", kind: .text, values: ["a", "b"])
        let mapped = CommandParameter(name: "t", kind: .text, words: [.init("a", "A")])
        for template in ["x {t}", "{t} ", "{t}{t}", "{{{t}"] {
            #expect(throws: Mistake.freeText("t")) {
                try Self.definition(parameters: [free], payload: CommandPayloadTests.text(template))
            }
            _ = try Self.definition(parameters: [listed], payload: CommandPayloadTests.text(template))
            _ = try Self.definition(parameters: [mapped], payload: CommandPayloadTests.text(template))
        }
        for name in ["by", "device", "name"] {
            #expect(throws: Mistake.freeText(name)) {
                try Self.definition(payload: CommandPayloadTests.text("x {\(name)}"))
            }
        }
        _ = try Self.definition(parameters: [free], payload: CommandPayloadTests.text("{t}"))
        _ = try Self.definition(
            parameters: [CommandParameter(name: "t", kind: .number)], payload: CommandPayloadTests.text("x {t} {id}"))
        _ = try Self.definition(parameters: [free], payload: CommandPayloadTests.json(#""x {t} {by}""#))
    }

    @Test("an answer by id needs the id to be sent")
    func answersByID() throws {
        let pointer = try JSONPointer("/id")
        let without = [CommandPayload.nothing, try CommandPayloadTests.text("ON"), try CommandPayloadTests.json("{}")]
        for payload in without {
            #expect(throws: Mistake.idNotSent) {
                try Self.definition(payload: payload, answer: Self.answer("stat/{name}", id: .place(pointer)))
            }
            _ = try Self.definition(payload: payload, answer: Self.answer("stat/{name}", id: .correlation))
        }
        for payload in [CommandPayload.envelope, try CommandPayloadTests.json(#"["x{id}"]"#)] {
            _ = try Self.definition(payload: payload, answer: Self.answer("stat/{name}", id: .place(pointer)))
        }
    }

    @Test(
        "words that cannot be",
        arguments: [
            CommandParameter(name: "p", kind: .bool, words: [.init(true, "ON")]),
            CommandParameter(name: "p", kind: .bool, words: []),
            CommandParameter(name: "p", kind: .bool, words: [.init("ON", 1), .init(true, 1), .init(false, 0)]),
            CommandParameter(name: "p", kind: .text, values: ["a", "b"], words: [.init("a", 1)]),
            CommandParameter(name: "p", kind: .text, values: ["a"], words: [.init("a", 1), .init("c", 1)]),
            CommandParameter(name: "p", kind: .integer, words: [.init(1, "x"), .init(1, "y")]),
            CommandParameter(name: "p", kind: .integer, words: [.init(1, [])]),
            CommandParameter(name: "p", kind: .integer, words: [.init(1, nil)]),
        ])
    func words(parameter: CommandParameter) {
        #expect {
            try Self.definition(parameters: [parameter])
        } throws: { error in
            if case Mistake.words("p", _)? = error as? Mistake { true } else { false }
        }
    }

    @Test("verifications that cannot be")
    func verifications() throws {
        func verification(_ wanted: CommandVerification.Wanted, _ tolerance: Double?, within: Milliseconds? = nil)
            throws
            -> CommandDefinition
        {
            try Self.definition(
                parameters: [CommandParameter(name: "on", kind: .bool), CommandParameter(name: "n", kind: .integer)],
                verification: .init(
                    tag: DeviceTemplate("{device}/x"), wanted: wanted, tolerance: tolerance, within: within))
        }
        for wrong in [-1, .nan, .infinity] {
            #expect(throws: Mistake.tolerance) { try verification(.constant(1), wrong) }
        }
        #expect(throws: Mistake.tolerance) { try verification(.constant("a"), 1) }
        #expect(throws: Mistake.tolerance) { try verification(.parameter("on"), 1) }
        #expect(throws: Mistake.within(0)) { try verification(.constant(1), nil, within: 0) }
        _ = try verification(.parameter("n"), 0.5, within: 1)
    }

    @Test("what a device cannot tell to be the same is not handed over twice")
    func qos() throws {
        let text = try CommandPayloadTests.text("ON")
        #expect(try Self.definition(execution: .atMostOnce).qos == .atLeastOnce)
        #expect(try Self.definition(payload: text, execution: .idempotent).qos == .atLeastOnce)
        #expect(try Self.definition(payload: text, execution: .atMostOnce).qos == .atMostOnce)
        #expect(try Self.definition(payload: .nothing, execution: .atMostOnce).qos == .atMostOnce)
        #expect(
            try Self.definition(payload: CommandPayloadTests.text("{id}"), execution: .atMostOnce).qos == .atLeastOnce)
        #expect(try Self.definition(payload: text, qos: .atLeastOnce, execution: .atMostOnce).qos == .atLeastOnce)
    }
}
