import JSON
import TestFixtures
import Testing

extension EndToEnd {
    /// What arrives and becomes nothing can be found out without taking part in it.
    @Suite("Messages that no route takes")
    struct UnroutedTests {
        @Test("they are counted while mqtt.observe says so, and nothing else depends on it", .timeLimit(.minutes(5)))
        func observe() async throws {
            try await Stage.play("unrouted") { stage in
                // Given a gateway that observes nothing,
                let broker = try await stage.broker()
                var configuration = PlantConfiguration(
                    broker: broker.url, tree: .servers(try await stage.treeServer().connectString))
                let gateway = try stage.gateway("gw-a", configuration)
                let reader = try await stage.reader(configuration)
                try await Conditions.standing(["gw-a"], reader)
                let link = try await stage.link(broker, "devices")
                func unrouted() async throws -> [JSONValue] {
                    let outcome = try await stage.call(["status", "--unrouted", "--json"], of: gateway)
                    #expect(outcome.status == 0, "\(outcome)")
                    return try outcome.output.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
                }
                func count(_ topics: String) async throws -> Int64? {
                    try await unrouted().first { $0["topics"]?.stringValue == topics }?["messages"]?.intValue
                }
                func reported(_ filters: JSONValue) async throws {
                    try await eventually("a report on \(filters)") {
                        try await unrouted().first?["filters"] == filters
                    }
                }
                let tag = "factory/line1/press1/temperature"
                func value(_ value: Double) async throws {
                    try await link.publish(tag, "{\"v\":\(value)}")
                    try await eventually("the value") { try await reader.tags([tag])[tag]?.v?.number == value }
                }

                // when somebody asks, the answer is how to switch it on.
                try await link.publish("tele/plug1/SENSOR", "{}")
                try await value(20)
                try await reported([])
                let silent = try await stage.call(["status", "--unrouted"], of: gateway)
                #expect(silent.status == 0 && silent.output.contains("mqtt.observe: [\"#\"]"), "\(silent)")
                #expect(!silent.output.contains("tele/plug1"), "\(silent)")

                // When it is switched on,
                #expect(await gateway.stop() == .exited(0))
                configuration.observe = ["#", "tele/#"]
                _ = try configuration.write(gateway: "gw-a", to: stage.scratch)
                try gateway.start()
                try await Conditions.standing(["gw-a"], reader)
                try await eventually("it observes", seen: { broker.log }) {
                    broker.log.contains("linekeeper-test-gw-a-observe 0 #")
                }
                for _ in 0..<3 { try await link.publish("tele/plug1/SENSOR", "{}") }
                try await link.publish("office", "x")
                try await link.publish("a/\u{202E}b/c", "x")
                try await value(21)

                // then each message is counted once, and what routes take and gateways say is not.
                try await eventually("the counts", seen: { broker.log }) {
                    let (plug, office) = (try await count("tele/plug1/#"), try await count("office"))
                    return plug == 3 && office == 1
                }
                let topics = try await unrouted().filter { $0["kind"] == "unrouted" }.map { $0["topics"]?.stringValue }
                #expect(Set(topics) == ["tele/plug1/#", "office", "a/\u{202E}b/#"], "\(topics)")
                let text = try await stage.call(["status", "--unrouted"], of: gateway)
                #expect(text.output.contains("a/\\u202eb/#") && text.output.contains("gw-a observes #"), "\(text)")
                let well = try await stage.call(["status"], of: gateway)
                #expect(well.status == 0, "\(well)")

                // When it is switched off, the broker has nothing left of it.
                #expect(await gateway.stop() == .exited(0))
                configuration.observe = []
                _ = try configuration.write(gateway: "gw-a", to: stage.scratch)
                try gateway.start()
                try await Conditions.standing(["gw-a"], reader)
                try await link.publish("tele/plug1/SENSOR", "{}")
                try await value(22)
                try await reported([])
                let off = try await unrouted()
                #expect(off.count == 1, "\(off)")
                #expect(gateway.isRunning)
            }
        }
    }
}
