import Plant
import Testing

@testable import PlantConfiguration

@Suite("Commands to metrics of Sparkplug B, as the configuration says them")
struct MetricSectionTests {
    private static let head = """
        commands:
          - name: setSpeed
            devices: "{group}/{edge}/{unit}"
            topic: "spBv1.0/{group}/DCMD/{edge}/{unit}"
            execution: idempotent
            parameters: { rpm: { type: number }, note: { type: text } }

        """

    private static func read(_ members: String, head: String = head) -> PlantDefinition.Reading {
        let lines = members.split(separator: "\n").map { "    " + $0 + "\n" }.joined()
        return PlantDefinition.read([document("c", head + lines)], variables: [:])
    }

    private static func command(_ members: String) throws -> CommandDefinition {
        let reading = read(members)
        #expect(reading.problems.map(\.description) == [])
        return try #require(reading.definition?.commands.first)
    }

    private static let payload = "payload: { metric: \"Outputs/Speed\", value: \"{rpm}\" }\n"

    @Test("metric, value, and by default QoS 0 and the echo")
    func defaults() throws {
        let command = try Self.command(Self.payload)
        let name = try DeviceTemplate("Outputs/Speed")
        #expect(command.payload == .metric(CommandMetric(name: name, value: .parameter("rpm"))))
        #expect(command.qos == .atMostOnce && command.verification == CommandVerification(.echo))
        #expect(try Self.command(Self.payload + "qos: 0").qos == .atMostOnce)
        for (text, value) in [("7", TagValue.integer(7)), ("\"7\"", "7"), ("true", true), ("0.5", 0.5), ("a", "a")] {
            let command = try Self.command("payload: { metric: \"{unit}/x\", value: \(text) }")
            let name = try DeviceTemplate("{unit}/x")
            #expect(command.payload == .metric(CommandMetric(name: name, value: .constant(value))))
        }
    }

    @Test("the echo with a time and a tolerance, another tag, or nothing")
    func verification() throws {
        func verification(_ text: String) throws -> CommandVerification? {
            try Self.command(Self.payload + text).verification
        }
        #expect(
            try verification("verify: { within: 5s, tolerance: 0.5 }")
                == CommandVerification(.echo, tolerance: 0.5, within: 5_000))
        #expect(try verification("verify: {}") == CommandVerification(.echo))
        #expect(
            try verification("verify: { tag: \"{device}/Inputs/Speed\", value: \"{rpm}\", tolerance: 5 }")
                == CommandVerification(
                    tag: DeviceTemplate("{device}/Inputs/Speed"), wanted: .parameter("rpm"), tolerance: 5))
        #expect(try verification("verify: none") == nil)
        #expect(try verification("answer: none") == CommandVerification(.echo))
    }

    @Test(
        "every mistake at its place",
        arguments: [
            ("payload: { metric: x }", 7, "has no \"value\""), ("payload: { value: 1 }", 7, "belongs to a metric"),
            ("payload: { metric: x, value: 1, text: y }", 7, "must have one of"),
            ("payload: { metric: \"\", value: 1 }", 7, "metric"),
            ("payload: { metric: \"x{rpm}\", value: 1 }", 7, "shares its level"),
            ("payload: { metric: \"x/{y}\", value: 1 }", 7, "{y} is not known"),
            ("payload: { metric: \"{device}/x\", value: 1 }", 7, "{device} is not known"),
            ("payload: { metric: x, value: \"a{rpm}\" }", 7, "a value, or one {parameter} alone"),
            ("payload: { metric: x, value: \"{unit}\" }", 7, "{unit} is not known; known are {rpm}, {note}"),
            ("payload: { metric: Node Control/Rebirth, value: true }", 7, "the gateway asks for births itself"),
            (payload + "qos: 1", 8, "QoS 0"), ("payload: { json: {} }", 7, "nothing but metrics is understood"),
            ("timeout: 5s", 2, "nothing but metrics is understood"),
            (payload + "answer: { topic: \"{device}/a\", id: correlation, succeeded: { /a: 1 } }", 8, "has none"),
            (payload + "verify: { tag: x/y }", 8, "has no \"value\""),
            (payload + "verify: { value: 1 }", 8, "has no \"tag\""),
            (payload + "verify: { within: 11s }", 8, "at most the timeout"), (payload + "verify: no", 8, "verify"),
            ("payload: { metric: x, value: \"{note}\" }\nverify: { tolerance: 1 }", 8, "tolerance"),
        ])
    func mistakes(members: String, line: Int, text: String) {
        let problems = Self.read(members).problems.map(\.description)
        #expect(
            problems.contains { $0.hasPrefix("c:\(line):") && $0.contains("mistake") && $0.contains(text) },
            "\(problems)")
    }

    @Test(
        "topics where no edge node listens",
        arguments: [
            "f/{group}/{edge}/{unit}", "spBv1.0/{group}/DDATA/{edge}/{unit}", "spBv1.0/{group}/NCMD/{edge}/{unit}",
        ])
    func topics(topic: String) {
        let head = Self.head.replacing("spBv1.0/{group}/DCMD/{edge}/{unit}", with: topic)
        let problems = Self.read(Self.payload, head: head).problems.map(\.description)
        #expect(problems.contains { $0.hasPrefix("c:4:") && $0.contains("a metric is written on") }, "\(problems)")
    }

    @Test("without a metric, a verification names its tag, or is none")
    func others() {
        let head = Self.head.replacing("spBv1.0/{group}/DCMD/{edge}/{unit}", with: "f/{device}")
        #expect(Self.read("verify: none", head: head).problems == [])
        let problems = Self.read("verify: { within: 5s }", head: head).problems.map(\.description)
        #expect(problems.contains { $0.hasPrefix("c:7:") && $0.contains("has no \"tag\"") }, "\(problems)")
    }

    private static func warnings(_ route: String, devices: String, topic: String, members: String = "") -> [String] {
        let text = """
            routes: [\(route)]
            commands:
              - name: c
                devices: "\(devices)"
                topic: "\(topic)"
                payload: { metric: x, value: 1 }
                execution: idempotent
                \(members)
            """
        return PlantDefinition.read([document("c", text)], variables: [:]).problems.map(\.description)
    }

    @Test("topics are held against the routes whose births they need")
    func routes() {
        let all = "{ name: s, topic: \"spBv1.0/#\", payload: sparkplug }"
        let hall = "{ name: s, topic: \"spBv1.0/hall/#\", payload: sparkplug, device: \"{edge}\" }"
        let (devices, topic) = ("{group}/{edge}/{unit}", "spBv1.0/{group}/DCMD/{edge}/{unit}")
        #expect(Self.warnings(all, devices: devices, topic: topic) == [])
        #expect(Self.warnings(all, devices: "+/+", topic: "spBv1.0/hall/DCMD/{device}").count == 1)
        #expect(Self.warnings(all, devices: "{g}/{e}", topic: "spBv1.0/{g}/NCMD/{e}") == [])
        #expect(Self.warnings(hall, devices: "{e}/{d}", topic: "spBv1.0/hall/DCMD/{e}/{d}") == [])
        #expect(Self.warnings(hall, devices: "+/+", topic: "spBv1.0/hall/DCMD/{device}") == [])
        expectProblem(
            Self.warnings(all, devices: devices, topic: "spBv1.0/{edge}/DCMD/{group}/{unit}"), "c:5:", "warning",
            "is for {group}/{edge}/{unit}, and what it writes belongs to {edge}/{group}/{unit}")
        expectProblem(
            Self.warnings(hall, devices: devices, topic: topic), "c:5:", "warning", "no route hears births from there")
    }

    @Test("a tag of the same route verifies: what hosts write there is no value")
    func ownVoice() {
        let all = "{ name: s, topic: \"spBv1.0/#\", payload: sparkplug }"
        #expect(
            Self.warnings(
                all, devices: "{g}/{e}", topic: "spBv1.0/{g}/NCMD/{e}",
                members: "verify: { tag: \"{device}/y\", value: 1 }")
                == [])
    }
}
