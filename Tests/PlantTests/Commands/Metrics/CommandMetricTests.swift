import JSON
import OrderedCollections
import SparkplugB
import Testing

@testable import Plant

@Suite("Commands that write a metric of Sparkplug B: definitions and messages")
struct CommandMetricTests {
    typealias Mistake = CommandDefinition.Mistake

    static func definition(
        devices: String = "{group}/{edge}/{unit}", topic: String = "spBv1.0/{group}/DCMD/{edge}/{unit}",
        metric: String = "Outputs/Speed", value: CommandVerification.Wanted = .parameter("rpm"),
        parameters: [CommandParameter] = [CommandParameter(name: "rpm", kind: .number)], qos: CommandQoS? = nil,
        execution: CommandExecution = .idempotent, answer: CommandAnswerRule? = nil,
        verification: CommandVerification? = CommandVerification(.echo)
    ) throws -> CommandDefinition {
        try CommandDefinition(
            name: "write", devices: CommandDevices(devices), topic: DeviceTemplate(topic), parameters: parameters,
            payload: .metric(CommandMetric(name: DeviceTemplate(metric), value: value)), qos: qos,
            execution: execution, answer: answer, verification: verification)
    }

    private static func metric(
        _ definition: CommandDefinition, _ device: String, _ given: OrderedDictionary<String, JSONValue>
    ) throws -> CommandMessage.Metric {
        var record = DeskFixture.request("a", "write", device: DeskFixture.device(device))
        record.parameters = try definition.checked(given)
        let message = try definition.message(record, deadline: 0, epoch: 0)
        #expect(message.payload == [] && message.qos == .atMostOnce && message.answerTopic == nil)
        let metric = try #require(message.metric)
        #expect(try definition.metric(record) == metric)
        return metric
    }

    // Assertions: topics-ncmd-mqtt, topics-dcmd-mqtt, payloads-ncmd-qos, payloads-dcmd-qos
    @Test("QoS 0, whatever the execution, and no other")
    func qos() throws {
        for execution in CommandExecution.allCases {
            #expect(try Self.definition(execution: execution).qos == .atMostOnce)
            #expect(throws: Mistake.metricQoS) { try Self.definition(qos: .atLeastOnce, execution: execution) }
        }
    }

    // Assertions: operational-behavior-data-commands-ncmd-verb, operational-behavior-data-commands-ncmd-metric-name,
    // operational-behavior-data-commands-ncmd-metric-value, operational-behavior-data-commands-dcmd-verb,
    // operational-behavior-data-commands-dcmd-metric-name, operational-behavior-data-commands-dcmd-metric-value
    @Test("where it goes and what it says")
    func messages() throws {
        let device = try Self.metric(Self.definition(), "g/e/d", ["rpm": 900])
        #expect(device.address == MetricAddress(topic: "spBv1.0/g/DCMD/e/d", name: "Outputs/Speed"))
        #expect(device.value == 900)
        let node = try Self.metric(
            Self.definition(
                devices: "{group}/{edge}", topic: "spBv1.0/{group}/NCMD/{edge}", metric: "Node Control/Scan Rate",
                value: .constant(5), parameters: []), "g/e", [:])
        #expect(node.address == MetricAddress(topic: "spBv1.0/g/NCMD/e", name: "Node Control/Scan Rate"))
        #expect(node.value == 5)
        // The whole device can be levels, too.
        #expect(
            try Self.metric(Self.definition(devices: "e/+", topic: "spBv1.0/g/DCMD/{device}"), "e/d", ["rpm": 1])
                .address.topic == "spBv1.0/g/DCMD/e/d")
    }

    @Test("words are sent, in the name as in the value")
    func words() throws {
        let output = CommandParameter(name: "o", kind: .text, words: [.init("a", "Out A"), .init("b", "Out B")])
        let on = CommandParameter(name: "on", kind: .bool, words: [.init(true, 1), .init(false, 0)])
        let metric = try Self.metric(
            Self.definition(metric: "{unit}/{o}/On", value: .parameter("on"), parameters: [output, on]), "g/e/d",
            ["o": "b", "on": true])
        #expect(metric.address.name == "d/Out B/On" && metric.value == 1)
    }

    @Test("an operator cannot choose another metric than the definition lets him")
    func names() throws {
        let free = CommandParameter(name: "m", kind: .text)
        let definition = try Self.definition(
            metric: "Node Control/{m}", value: .constant(true), parameters: [free])
        #expect(try Self.metric(definition, "g/e/d", ["m": "Reboot"]).address.name == "Node Control/Reboot")
        for name in ["Rebirth", "a/b", "", "+", "#", "\u{0}", "a\u{1B}[2J", CommandTemplateTests.strange] {
            #expect(throws: CommandParameter.Mistake.self, "\(JSONValue.string(name))") {
                try Self.metric(definition, "g/e/d", ["m": .string(name)])
            }
        }
        // Nor can a device.
        let named = try Self.definition(metric: "Node Control/{unit}", value: .constant(true), parameters: [])
        #expect(throws: CommandParameter.Mistake.self) { try Self.metric(named, "g/e/Rebirth", [:]) }
        #expect(throws: CommandParameter.Mistake.self) { try Self.metric(Self.definition(), "g//d", ["rpm": 1]) }
    }

    @Test(
        "topics where no edge node listens",
        arguments: [
            "factory/{group}/{edge}/{unit}", "spBv1.0/{group}/DDATA/{edge}/{unit}",
            "spBv1.0/{group}/{edge}/DCMD/{unit}",
            "spBv1.0/{group}/NCMD/{edge}/{unit}", "spBv1.0/{group}/DCMD/{edge}/{unit}/x",
            "{group}/x/DCMD/{edge}/{unit}",
            "spBv1.0//DCMD/{group}/{edge}/{unit}", "spBv1.0/DCMD/{group}/{edge}/{unit}", "STATE/{group}/{edge}/{unit}",
        ])
    func topics(topic: String) {
        #expect {
            try Self.definition(topic: topic)
        } throws: { error in
            guard case Mistake.metricTopic(topic, _)? = error as? Mistake else { return false }
            return (error as? Mistake)?.keyPath == ["topic"]
        }
    }

    @Test("a name for several levels is no id")
    func severalLevels() {
        #expect(
            throws: Mistake.metricTopic(
                "spBv1.0/{group}/DCMD/{edge}/{unit}", why: "something in it can stand for several levels")
        ) {
            try Self.definition(devices: "{group}/{edge}/{unit...}")
        }
    }

    @Test("what goes to such a topic is a metric", arguments: ["NCMD/{edge}", "DCMD/{edge}/{unit}", "DCMD/{edge}"])
    func others(end: String) {
        for payload in [CommandPayload.envelope, .nothing] {
            #expect {
                try CommandTemplateTests.definition(
                    devices: "{group}/{edge}/{unit}", topic: "spBv1.0/{group}/" + end, payload: payload)
            } throws: { error in
                switch error as? Mistake {
                case .metricNeeded?: (error as? Mistake)?.keyPath == ["payload"]
                // Which devices would hear it is told before.
                case .topicForAll?: !end.contains("unit")
                default: false
                }
            }
        }
    }

    @Test("other mistakes, each at its place")
    func mistakes() throws {
        func mistake(_ body: () throws -> CommandDefinition) -> Mistake? {
            do { _ = try body() } catch { return error as? Mistake }
            return nil
        }
        let answer = try CommandTemplateTests.answer("{device}/ack", id: .correlation)
        #expect(mistake { try Self.definition(answer: answer) } == .metricAnswer)
        let rebirth = mistake { try Self.definition(metric: "Node Control/Rebirth", value: .constant(true)) }
        #expect(rebirth?.keyPath == ["payload", "metric"])
        #expect(rebirth?.description.contains("asks for births itself") == true)
        #expect(
            mistake { try Self.definition(metric: "{device}/x") }
                == .unknownPlaceholder("device", in: .metric, known: ["group", "edge", "unit", "rpm"]))
        #expect(
            mistake { try Self.definition(metric: "x/{y}") }
                == .unknownPlaceholder("y", in: .metric, known: ["group", "edge", "unit", "rpm"]))
        #expect(
            mistake { try Self.definition(value: .parameter("unit")) }
                == .unknownPlaceholder("unit", in: .metricValue, known: ["rpm"]))
        let optional = CommandParameter(name: "rpm", kind: .number, isRequired: false)
        #expect(
            mistake { try Self.definition(parameters: [optional]) } == .optionalPlaceholder("rpm", in: .metricValue))
        #expect(
            mistake { try CommandTemplateTests.definition(verification: CommandVerification(.echo)) }
                == .echoWithoutMetric)
        let tolerant = CommandVerification(.echo, tolerance: 1)
        _ = try Self.definition(verification: tolerant)
        #expect(mistake { try Self.definition(value: .constant("x"), verification: tolerant) } == .tolerance)
        let worded = CommandParameter(name: "rpm", kind: .integer, words: [.init(1, "one")])
        #expect(mistake { try Self.definition(parameters: [worded], verification: tolerant) } == .tolerance)
        #expect(
            mistake { try Self.definition(verification: CommandVerification(.echo, within: 10_001)) }
                == .within(10_001))
    }

    @Test("for a digest, what verifies by a tag is what it was in earlier versions")
    func digest() throws {
        /// As it was, without a mirror of its own.
        struct CommandVerification {
            let tag: DeviceTemplate
            let wanted: Plant.CommandVerification.Wanted
            let tolerance: Double?
            let within: Milliseconds?
        }
        let tag = try DeviceTemplate("{device}/rpm")
        for (wanted, tolerance, within) in [
            (Plant.CommandVerification.Wanted.parameter("rpm"), 0.5, nil), (.constant("x"), nil, 5_000),
        ] as [(Plant.CommandVerification.Wanted, Double?, Milliseconds?)] {
            let was = CommandVerification(tag: tag, wanted: wanted, tolerance: tolerance, within: within)
            let now = Plant.CommandVerification(tag: tag, wanted: wanted, tolerance: tolerance, within: within)
            #expect("\(now)" == "\(was)")
        }
        #expect(
            PlantDefinition(commands: [try Self.definition()]).digest
                != PlantDefinition(commands: [try Self.definition(verification: nil)]).digest)
    }
}
