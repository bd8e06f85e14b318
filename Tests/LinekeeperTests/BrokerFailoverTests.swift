import Foundation
import TestFixtures
import Testing

extension EndToEnd {
    /// A list of brokers that are bridged to each other: a gateway works while one of them does.
    @Suite("Broker failover")
    struct BrokerFailoverTests {
        @Test("the preferred broker dies, comes back, and then the other one dies", .timeLimit(.minutes(3)))
        func failover() async throws {
            try await Stage.play("broker-failover") { stage in
                // Given two bridged brokers, and two gateways that list both,
                let first = try await stage.broker()
                var options = Mosquitto.Options()
                options.extra = [
                    "connection first", "address 127.0.0.1:\(first.port)", "topic # both 1", "restart_timeout 1",
                    "bridge_protocol_version mqttv311",
                ]
                let second = try await stage.broker(options)
                let tree = try await stage.treeServer()
                let configuration = PlantConfiguration(
                    broker: "[\(first.url), \(second.url)]", tree: .servers(tree.connectString))
                let gateways = [try stage.gateway("gw-a", configuration), try stage.gateway("gw-b", configuration)]
                let reader = try await stage.reader(configuration)
                try await Conditions.standing(["gw-a", "gw-b"], reader)
                let tag = "factory/line1/press1/temperature"
                let sensor = try await stage.link(second, "sensor")
                var occurrences = 0
                /// An alarm comes and goes by what is published at the second broker, or at another.
                func alarms(_ sensor: BrokerLink, at broker: Mosquitto, _ when: String) async throws {
                    try await eventually("raised \(when)", within: .seconds(30)) {
                        try? await sensor.publish(tag, Self.sample(99))
                        return try await reader.alarm(tag, "overtemperature")?.state == "UNACK"
                    }
                    try await eventually("cleared \(when)", within: .seconds(30)) {
                        try? await sensor.publish(tag, Self.sample(20))
                        return try await reader.alarm(tag, "overtemperature")?.state == "RTNUN"
                    }
                    occurrences += 1
                    #expect(try await reader.alarm(tag, "overtemperature")?.occurrence == occurrences)
                    try await eventually("both gateways at \(broker.url) \(when)", within: .seconds(30)) {
                        let nodes = [try await reader.text("/status/gw-a"), try await reader.text("/status/gw-b")]
                        return nodes.allSatisfy { $0.contains("\"brokerAddresses\":[\"\(broker.url)\"]") }
                    }
                }
                try await alarms(sensor, at: first, "over the bridge")

                // when the preferred one is killed,
                first.stop(9)
                // then they work with the other one, and it is said which of the two is away;
                try await alarms(sensor, at: second, "at the second broker")
                try await Conditions.standing(["gw-a", "gw-b"], reader)
                let status = try await stage.call(["status", "--json"], of: gateways[0])
                #expect(status.status == 1, "\(status)")
                let brokers = status.lines.filter { $0.contains("\"kind\":\"broker\"") }
                #expect(brokers.count == 2, "\(status)")
                #expect(brokers.first?.contains("\"reachable\":false") == true, "\(status)")
                #expect(brokers.last?.contains("\"reachable\":true") == true, "\(status)")

                // when it is back,
                try await first.start()
                try await eventually("the bridge is back", within: .seconds(30), seen: { second.log }) {
                    second.log.components(separatedBy: "Received CONNACK on connection").count > 2
                }
                // then they stay where they are, until that one dies, too.
                try await alarms(sensor, at: second, "with both brokers")
                second.stop(9)
                try await alarms(try await stage.link(first, "sensor-of-first"), at: first, "at the first broker")
                #expect(gateways.allSatisfy { $0.isRunning })
            }
        }

        private static func sample(_ value: Int) -> String {
            "{\"v\":\(value),\"ts\":\(Int64(Date().timeIntervalSince1970 * 1000))}"
        }
    }
}
