import JSON
import Plant
import TestFixtures
import Testing

@testable import PlantConfiguration

@Suite("Commands in the device's own form, as the configuration says them")
struct CommandSectionTests {
    private static func read(_ members: String) -> PlantDefinition.Reading {
        PlantDefinition.read(
            [
                document(
                    "c",
                    "commands:\n  - name: switch\n"
                        + members.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n"))
            ],
            variables: [:])
    }

    private static func command(_ members: String) throws -> CommandDefinition {
        let reading = read(members)
        #expect(reading.problems.filter { $0.severity != .warning }.map(\.description) == [])
        return try #require(reading.definition?.commands.first)
    }

    private static func message(
        _ command: CommandDefinition, _ device: String, _ parameters: JSONValue
    ) throws -> CommandMessage {
        var record = CommandRecord(
            id: "c-1", device: try TagPath(device), command: command.name, by: Principal(claimed: "ada"), requestedAt: 0
        )
        record.parameters = try command.checked(try #require(parameters.objectValue))
        return try command.message(record, deadline: 5, epoch: 7)
    }

    @Test("text, words, a level chosen by a parameter, verification")
    func text() throws {
        let command = try Self.command(
            """
            devices: "tasmota/{name}"
            topic: "cmnd/{name}/{output}"
            parameters:
              output: { type: text, enum: [POWER, POWER1], default: POWER }
              on: { type: bool, map: { true: ON, false: "OFF" } }
            payload: { text: "{on}" }
            qos: 1
            execution: idempotent
            verify: { tag: "{device}/{output}", value: "{on}", within: 5s }
            """)
        let message = try Self.message(command, "tasmota/hall", ["on": true])
        #expect(message.topic == "cmnd/hall/POWER" && message.payload == Array("ON".utf8))
        #expect(message.verified?.tag == "tasmota/hall/POWER" && message.verified?.value == true)
        #expect(command.verification?.within == 5_000 && command.qos == .atLeastOnce && command.answer == nil)
    }

    @Test("JSON with the types of YAML's scalars, null and nothing included")
    func json() throws {
        let command = try Self.command(
            """
            devices: "shelly/{name}"
            topic: "{name}/rpc"
            parameters: { on: { type: bool }, t: { type: integer, required: false } }
            payload:
              json: { id: "{id}", src: "a/{name}", method: Switch.Set, params: { id: 0, on: "{on}", toggle_after: "{t}" }, x: [null, ~, "", 1.5, true, "true", "1"], "12": {}, y: [] }
            execution: idempotent
            answer:
              topic: "a/{name}/rpc"
              id: /id
              succeeded: { /result: { exists: true } }
              failed: { /error: { exists: true }, /code: 3 }
            """)
        let message = try Self.message(command, "shelly/plug", ["on": false])
        #expect(
            String(decoding: message.payload, as: UTF8.self)
                == #"{"id":"c-1","src":"a/plug","method":"Switch.Set","params":{"id":0,"on":false},"x":[null,null,"",1.5,true,"true","1"],"12":{},"y":[]}"#
        )
        #expect(message.answerTopic == "a/plug/rpc")
        let pointer = try (JSONPointer("/result"), JSONPointer("/error"), JSONPointer("/code"))
        #expect(command.answer?.succeeded == [.init(pointer: pointer.0, exists: true)])
        #expect(
            command.answer?.failed == [.init(pointer: pointer.1, exists: true), .init(pointer: pointer.2, value: 3)])
    }

    @Test("no payload, no answer, answers by correlation, constants to be verified")
    func others() throws {
        let head = "devices: plug\ntopic: cmnd/plug/TOGGLE\nexecution: atMostOnce\n"
        let bare = try Self.command(head + "payload: none\nanswer: none")
        #expect(bare.payload == .nothing && bare.answer == nil && bare.qos == .atMostOnce)
        let correlated = try Self.command(
            head + "payload: { text: x }\nanswer: { topic: a, id: correlation, succeeded: { /ok: true } }")
        #expect(correlated.answer?.id == .correlation)
        for (text, value) in [("7", TagValue.integer(7)), ("\"7\"", "7"), ("true", true), ("\"a {{b}}\"", "a {b}")] {
            let command = try Self.command(head + "verify: { tag: \"plug/x\", value: \(text) }")
            let tag = try DeviceTemplate("plug/x")
            #expect(command.verification == CommandVerification(tag: tag, wanted: .constant(value)))
        }
        let tolerant = try Self.command(head + "verify: { tag: \"plug/x\", value: 7, tolerance: 0.5 }")
        #expect(tolerant.verification?.tolerance == 0.5)
    }

    private static let sound = """
        devices: "t/{name}"
        topic: "c/{name}"
        execution: atMostOnce

        """

    @Test(
        "every mistake at its place",
        arguments: [
            ("payload: nothing", 6, "no payload"), ("payload: {}", 6, "must have one of"),
            ("payload: { text: \"\" }", 6, "is empty"), ("payload: { text: \"{x\" }", 6, "brace"),
            ("payload: { text: \"{x}\" }", 6, "{x} is not known; known are {device}, {id}"),
            ("payload: { json: { \"{id}\": 1 } }", 6, "brace in its name"),
            ("payload: { jsonn: 1 }", 6, "unknown key \"jsonn\""),
            ("qos: 2", 6, "qos"), ("answer: no", 6, "answer"),
            ("answer: { topic: \"a/{p}\", id: correlation, succeeded: { /a: 1 } }", 6, "{p} is not known"),
            ("payload: none\nanswer: { topic: a, id: /id, succeeded: { /a: 1 } }", 7, "does not get the id"),
            ("answer: { topic: a, id: correlation, succeeded: { /a: { exist: true } } }", 6, "unknown key \"exist\""),
            ("parameters: { on: { type: bool, map: { true: 1 } } }", 6, "false has no word"),
            ("parameters: { on: { type: bool, map: { ON: 1, true: 1, false: 0 } } }", 6, "cannot have"),
            ("parameters: { t: { type: text } }\npayload: { text: \"Power {t}\" }", 7, "could say something else"),
            ("parameters: { device: { type: text } }", 6, "call the parameter something else"),
            ("verify: { tag: \"{device}/x\", value: \"{x}\" }", 6, "{x} is not known"),
            ("verify: { tag: \"{device}/x\", value: \"a{x}\" }", 6, "is \"a{x}\""),
            ("verify: { tag: \"{device}/x\", value: 1, within: 11s }", 6, "at most the timeout"),
            ("parameters: { p: { type: bool, required: false } }\npayload: { json: [\"{p}\"] }", 7, "may be missing"),
            ("payload: { text: \"Power {name} on\" }", 6, "could say something else"),
            ("verify: { tag: \"{device}/x\" }", 6, "has no \"value\""),
            ("verify: { tag: \"{device}/x\", value: a, tolerance: 1 }", 6, "tolerance"),
            ("verify: { tag: \"x{y}\", value: a }", 6, "shares its level"),
        ])
    func mistakes(members: String, line: Int, text: String) {
        let problems = Self.read(Self.sound + members).problems.map(\.description)
        #expect(
            problems.contains { $0.hasPrefix("c:\(line):") && $0.contains("mistake") && $0.contains(text) },
            "\(problems)")
    }

    @Test("a gateway hears itself: its own voice is neither an answer nor what the device shows")
    func ownVoice() {
        func problems(_ routes: String, _ command: String) -> [String] {
            let text =
                "routes: [\(routes)]\ncommands: [{ name: c, devices: \"f/{n}\", execution: idempotent, \(command) }]"
            return PlantDefinition.read([document("c", text)], variables: [:]).problems
                .filter { $0.severity == .mistake }.map(\.description)
        }
        let route = "{ name: r, topic: \"f/{n}/{x}\", device: \"f/{n}\", payload: number }"
        let verify = "verify: { tag: \"{device}/rpm\", value: 1 }"
        #expect(problems(route, "topic: \"{device}/rpm\", \(verify)").first?.contains("would verify itself") == true)
        #expect(problems(route, "topic: \"{device}/cmd/rpm\", \(verify)") == [])
        let before = "{ name: s, topic: \"f/{n}/set\", payload: none }, "
        #expect(problems(before + route, "topic: \"{device}/set\", \(verify)") == [])
        #expect(problems(route, "topic: \"{device}/set\", \(verify)").count == 1)
        let answer = "answer: { topic: \"f/{n}/rpc\", id: correlation, succeeded: { /a: 1 } }"
        #expect(
            problems("", "topic: \"f/{n}/rpc\", \(answer)").first?.contains("take what it has sent for an answer")
                == true)
        #expect(problems("", "topic: \"f/{n}/cmd\", \(answer)") == [])
    }

    @Test("devices and topics that are none")
    func heads() {
        for (members, line, text) in [
            ("devices: \"t/{a\"\ntopic: \"{device}\"\nexecution: idempotent", 3, "devices"),
            ("devices: \"t/{id}\"\ntopic: \"{device}\"\nexecution: idempotent", 3, "call the level something else"),
            ("devices: \"t/{a}\"\ntopic: \"c\"\nexecution: idempotent", 4, "every device would hear"),
            ("devices: \"t/+\"\ntopic: \"c/{a}\"\nexecution: idempotent", 4, "{a} is not known; known are {device}"),
        ] {
            let problems = Self.read(members).problems.map(\.description)
            #expect(problems.contains { $0.hasPrefix("c:\(line):") && $0.contains(text) }, "\(problems)")
        }
    }

    @Test("what is allowed and hardly meant is warned of")
    func warnings() {
        for (members, text) in [
            ("payload: none\nqos: 1", "twice"), ("payload: { text: x }\nqos: 1", "twice"),
            ("parameters: { on: { type: bool, map: { true: 1, false: 0 } } }", "has no effect"),
        ] {
            let problems = Self.read(Self.sound + members).problems
            #expect(problems.count == 1 && problems.allSatisfy { $0.severity == .warning }, "\(problems)")
            #expect(problems.first?.what.contains(text) == true, "\(problems)")
        }
        #expect(Self.read(Self.sound + "payload: none").problems == [])
        #expect(Self.read(Self.sound + "qos: 1").problems == [], "the envelope has an id")
    }

    @Test("correlation data needs MQTT 5")
    func protocolVersion() throws {
        for (version, isWarned) in [("5", false), ("3.1.1", true)] {
            let fixture = try ConfigurationFixture([
                "linekeeper.yaml": """
                plant: p
                gateway: g
                mqtt: { broker: "mqtt://127.0.0.1:1883", protocol: \(version) }
                tree: { embedded: { data: ./var/tree } }
                commands:
                  - { name: go, devices: plug, topic: a, execution: idempotent,
                      answer: { topic: b, id: correlation, succeeded: { /ok: true } } }
                """
            ])
            let problems = fixture.problems()
            #expect(
                problems.contains { $0.contains(":3:") && $0.contains("correlation data") } == isWarned, "\(problems)")
        }
    }

    private static let routes = """
        routes:
          - name: r
            topic: "s/{n}/state"
            device: "t/{n}"
            tag: "t/{n}/on"
            payload: bool

        """

    @Test("a verifying tag that no route delivers, and answers that take a route's messages")
    func routes() {
        func warnings(_ members: String) -> [String] {
            let text =
                Self.routes
                + "commands:\n  - { name: go, devices: \"t/{n}\", topic: \"c/{n}\", execution: idempotent, \(members) }\n"
            return PlantDefinition.read([document("c", text)], variables: [:]).problems.map(\.description)
        }
        #expect(warnings("verify: { tag: \"{device}/on\", value: true }") == [])
        #expect(warnings("verify: { tag: \"t/{n}/on\", value: true }") == [])
        expectProblem(
            warnings("verify: { tag: \"{device}/off\", value: true }"), "c:8:", "warning", "no route delivers")
        expectProblem(
            warnings("answer: { topic: \"s/{n}/state\", id: /id, succeeded: { /a: 1 } }"), "c:8:", "warning",
            "route \"r\"")
        #expect(warnings("answer: { topic: \"s/{n}/answer\", id: /id, succeeded: { /a: 1 } }") == [])
    }
}
