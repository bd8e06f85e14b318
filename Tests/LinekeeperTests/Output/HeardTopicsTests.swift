import JSON
import Plant
import PlantClient
import Testing

@testable import linekeeper

@Suite("What was heard at a broker")
struct HeardTopicsTests {
    private static func heard() throws -> HeardTopics {
        let route = try RouteDraft(name: "machines", topic: "factory/{line}/{machine}/{metric}", payload: .number)
            .checked()
        return try HeardTopics(plant: PlantDefinition(routes: [route]))
    }

    private static func message(_ topic: String, _ payload: String) -> BrokerListening.Message {
        BrokerListening.Message(
            topic: Array(topic.utf8), payload: Array(payload.utf8), isRetained: false, receivedAt: 1_767_225_600_000)
    }

    @Test("the first message of a topic is shown, then the first that cannot be read; the rest is counted")
    func routed() throws {
        var heard = try Self.heard()
        let topic = "factory/line1/press1/temperature"
        let shown = ["1", "2", "x", "y", "3"].map { heard.take(Self.message(topic, $0)) }
        #expect(shown.map { $0 != nil } == [true, false, true, false, false])
        #expect(shown[0]?.trial.takers.first?.route.name == "machines")
        #expect(!heard.isUnderstood && heard.messages == 5)
        #expect(heard.text == "route   machines took 5 messages on 1 topic, 2 of which cannot be read as it says\n")
        #expect(heard.json.map { $0["messages"]?.intValue } == [5])
    }

    @Test(
        "a heartbeat is explained: what it shows, and what its absence would; one that the broker had kept shows nothing"
    )
    func heartbeat() throws {
        let route = try RouteDraft(
            name: "pumps", topic: "factory/{pump}/{metric}", payload: .number,
            presence: .init(topic: "{device}/beat", heartbeat: 30_000)
        ).checked()
        func text(isRetained: Bool) -> String {
            let trial = MessageTrial(
                topic: "factory/pump/beat", isRetained: isRetained, routes: [route], rules: TagRules(), alarms: [])
            return trial.text(trial.steps(payloads: [Array("17".utf8)], start: 0, interval: 0), routes: [route])
        }
        let head = """
            topic   factory/pump/beat
            route   pumps (factory/{pump}/beat), as presence
            device  factory/pump
            silence the device is offline when nothing has come from it, on any topic, for more than 30s

            """
        #expect(text(isRetained: false) == head + "value   the device is online\n")
        #expect(
            text(isRetained: true) == head
                + "value   none: the broker had kept this heartbeat, which does not show that the device is there\n")
        var heard = try HeardTopics(plant: PlantDefinition(routes: [route]))
        #expect(heard.take(Self.message("factory/pump/beat", "")) != nil)
        #expect(heard.isUnderstood)
    }

    @Test("commands and their answers are no samples, and are counted by themselves; a route's topics stay the route's")
    func commands() throws {
        let route = try RouteDraft(name: "machines", topic: "factory/{machine}/{metric}", payload: .number).checked()
        let command = try CommandDefinition(
            name: "start", devices: CommandDevices("factory/+"), topic: DeviceTemplate("{device}/cmd/start"),
            execution: .idempotent,
            answer: CommandAnswerRule(
                topic: DeviceTemplate("{device}/ack"), id: .place(JSONPointer("/id")),
                succeeded: [.init(pointer: JSONPointer("/status"), value: "ok")]))
        var heard = try HeardTopics(plant: PlantDefinition(routes: [route], commands: [command]))
        for topic in ["factory/press/cmd/start", "factory/press/ack", "factory/press/speed"] {
            _ = heard.take(Self.message(topic, topic.hasSuffix("speed") ? "1" : #"{"id":"a"}"#))
        }
        #expect(heard.isUnderstood && heard.messages == 3)
        #expect(
            heard.text == """
                route   machines took 1 message on 1 topic
                command 2 messages of commands and their answers

                """)
    }

    @Test("what no route takes is counted by prefix, the most first, and what gateways say is left out")
    func unrouted() throws {
        var heard = try Self.heard()
        for topic in [
            "tele/plug1/SENSOR", "tele/plug1/STATE", "tele/plug1/SENSOR", "office", "factory/x",
            "linekeeper/bottling/alarms/a",
        ] {
            #expect(heard.take(Self.message(topic, "1")) == nil)
        }
        // Empty, and longer than any topic of a tag: those are not looked up as others are.
        _ = heard.take(Self.message("office", ""))
        _ = heard.take(Self.message("tele/plug1/" + String(repeating: "x", count: 2_000), "1"))
        #expect(heard.messages == 7 && heard.isUnderstood)
        #expect(
            heard.text == """
                none    no route takes tele/plug1/#: 4 messages
                none    no route takes office: 2 messages
                none    no route takes factory/x: 1 message
                own     1 message of the gateways

                """)
    }

    @Test("topics without end, and topics that are no text, cost no memory, and what cannot be read there still counts")
    func bounded() throws {
        var heard = try Self.heard()
        for number in 0..<HeardTopics.topicLimit * 2 { _ = heard.take(Self.message("a/\(number)/b", "1")) }
        #expect(heard.json.count == TopicPrefixCounts.limit + 1)
        for number in 0..<HeardTopics.topicLimit * 2 { _ = heard.take(Self.message("factory/a/\(number)/b", "1")) }
        #expect(heard.json.first?["topics"]?.intValue == Int64(HeardTopics.topicLimit))
        #expect(heard.json.first?["messages"]?.intValue == Int64(HeardTopics.topicLimit * 2))
        _ = heard.take(BrokerListening.Message(topic: [0xFF], payload: [], isRetained: false, receivedAt: 0))
        #expect(heard.messages == HeardTopics.topicLimit * 4 + 1)
        #expect(heard.text.contains("none    nor further topics: 1,901 messages"))
        #expect(heard.isUnderstood)
        #expect(heard.take(Self.message("factory/a/1999/b", "x")) == nil)
        #expect(!heard.isUnderstood)
    }

    @Test("topics are told apart by their bytes")
    func bytes() throws {
        var heard = try Self.heard()
        let shown = ["factory/a/b/\u{E9}", "factory/a/b/e\u{301}"].map { heard.take(Self.message($0, "1")) }
        #expect(shown.allSatisfy { $0 != nil })
    }
}
