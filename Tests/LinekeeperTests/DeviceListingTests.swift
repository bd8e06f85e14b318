import JSON
import TestFixtures
import Testing

extension EndToEnd {
    /// Devices that beat, go and come at a real broker, as `linekeeper devices` shows them.
    @Suite("Devices that beat and flap")
    struct DeviceListingTests {
        private static let routes = """
            routes:
              - name: machines
                topic: factory/{line}/{machine}/{metric}
                device: factory/{line}/{machine}
                payload: json
                value: /v
                presence: { topic: "{device}/status" }
                flapping: { losses: 3, within: 10m, steadyFor: 1s }
              - name: pumps
                topic: pumps/{pump}/{metric}
                device: pumps/{pump}
                payload: number
                presence: { topic: "{device}/beat", heartbeat: 1s }

            """

        @Test(
            "a beat makes a device known, silence makes it offline, and one that flaps is shown so until it stays",
            .timeLimit(.minutes(5)))
        func story() async throws {
            try await Stage.play("device-listing") { stage in
                // Given a gateway,
                let broker = try await stage.broker()
                let configuration = PlantConfiguration(
                    broker: broker.url, tree: .servers(try await stage.treeServer().connectString), routes: Self.routes)
                let gateway = try stage.gateway("gw-a", configuration)
                let reader = try await stage.reader(configuration)
                try await Conditions.standing(["gw-a"], reader)
                let link = try await stage.link(broker, "devices")
                func listed(_ arguments: String...) async throws -> [String: JSONValue] {
                    let outcome = try await stage.call(["devices", "--json"] + arguments, of: gateway)
                    #expect(outcome.status == 0, "\(outcome)")
                    let rows = try outcome.output.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
                    return Dictionary(rows.map { ($0["device"]?.stringValue ?? "?", $0) }, uniquingKeysWith: { $1 })
                }
                func see(_ device: String, _ state: String, flaps: Bool = false) async throws {
                    try await eventually(
                        "\(device) is \(state), flapping \(flaps)", seen: { "\((try? await listed()) ?? [:])" }
                    ) {
                        let row = try await listed()[device]
                        return row?["state"]?.stringValue == state && (row?["flapping"] != nil) == flaps
                    }
                }

                let follower = try stage.program.start(
                    ["devices", "--state", "offline", "--watch", "--config", gateway.configurationFile],
                    name: "follower", in: stage.scratch)
                stage.onEnd { await follower.kill9() }
                stage.report { follower.report() }
                func follow(_ line: String) async throws {
                    try await eventually("the follower sees \(line)", seen: { follower.output }) {
                        follower.output.split(separator: "\n").contains(Substring(line))
                    }
                }

                // when a pump beats without a word and ceases to, then it is online and offline by that.
                try await link.publish("pumps/p1/beat", "")
                try await see("pumps/p1", "online")
                try await see("pumps/p1", "offline")
                try await follow("pumps/p1  offline")

                // When a press goes and comes three times, then it flaps, and is not called online,
                let press = "factory/line1/press1"
                for _ in 0..<3 {
                    try await link.publish(press + "/status", "online")
                    try await link.publish(press + "/status", "offline")
                }
                try await see(press, "offline", flaps: true)
                try await follow(press + "  offline, flapping")
                #expect(Set(try await listed("--flapping").keys) == [press])
                #expect(Set(try await listed("--state", "offline,stale").keys) == [press, "pumps/p1"])
                #expect(Set(try await listed("--state", "offline", "--route", "pumps").keys) == ["pumps/p1"])
                #expect(try await listed("--for", "10m").isEmpty)
                #expect(try await listed("--orphaned").isEmpty)
                let text = try await stage.call(["devices", "--flapping"], of: gateway)
                #expect(text.output.contains("offline, flapping"), "\(text)")
                let status = try await stage.call(["status"], of: gateway)
                #expect(status.output.contains("2 offline (1 flapping)"), "\(status)")

                // while its values and alarms count as ever,
                try await link.publish(press + "/temperature", #"{"v":95}"#)
                try await eventually("the alarm") {
                    try await stage.call(["alarms"], of: gateway).output.contains("UNACK")
                }

                // until it stays.
                try await link.publish(press + "/status", "online")
                try await see(press, "online")
                try await follow(press + "  online  no longer among those asked for")
                let nothing = try await stage.call(
                    ["devices", "factory/#", "--state", "stale", "--flapping"], of: gateway)
                #expect(nothing.status == 0 && nothing.output.isEmpty, "\(nothing)")
                #expect(nothing.errors.contains("no device of factory/# is stale, and flapping"), "\(nothing)")
                #expect(gateway.isRunning)
            }
        }
    }
}
