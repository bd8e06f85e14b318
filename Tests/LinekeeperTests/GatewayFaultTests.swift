import TestFixtures
import Testing

extension EndToEnd {
    /// Guarantees: "a failure that lasts" is an alarm like any other.
    @Suite("Faults of the gateways themselves")
    struct GatewayFaultTests {
        @Test(
            "a broker that is away is an alarm about each gateway, recorded meanwhile, announced once it is back, acknowledged",
            .timeLimit(.minutes(2)))
        func brokerAway() async throws {
            try await Stage.play("gateway-faults") { stage in
                // Given two gateways at work,
                let broker = try await stage.broker()
                let tree = try await stage.treeServer()
                let configuration = PlantConfiguration(broker: broker.url, tree: .servers(tree.connectString))
                let gateways = [try stage.gateway("gw-a", configuration), try stage.gateway("gw-b", configuration)]
                let reader = try await stage.reader(configuration)
                try await Conditions.standing(["gw-a", "gw-b"], reader)
                let events = try await stage.alarmEvents(broker)
                let tags = ["gw-a", "gw-b"].map { "linekeeper/gateways/\($0)/broker" }

                // when the broker is away for longer than a moment,
                broker.stop()
                // then that is recorded of both, though nobody can be told,
                try await eventually("the alarms are raised", within: .seconds(30)) {
                    for tag in tags where try await reader.alarm(tag, "gateway-fault")?.state != "UNACK" {
                        return false
                    }
                    return true
                }
                // and once it is back it is announced, with its end.
                try await broker.start()
                try await eventually("the alarms return", within: .seconds(40)) {
                    for tag in tags where try await reader.alarm(tag, "gateway-fault")?.state != "RTNUN" {
                        return false
                    }
                    return true
                }
                try await eventually("all is announced", within: .seconds(40)) {
                    tags.allSatisfy { tag in
                        // Which gateway is the active processor may change when the broker returns.
                        let heard = events.allEvents.filter { $0.record.tag == tag }
                        return heard.withoutRepetitions.map(\.transition) == ["ACT", "RTN"]
                    }
                }
                for tag in tags {
                    let entries = try await reader.journal().filter { $0.record?.tag == tag }
                    #expect(entries.map(\.transition) == ["ACT", "RTN"])
                }
                let answer = try await stage.call(
                    ["alarms", "ack", tags[1], "gateway-fault", "--by", "anna"], of: gateways[0])
                #expect(answer.status == 0, "\(answer)")
                try await eventually("acknowledged") {
                    try await reader.alarm(tags[1], "gateway-fault")?.state == "NORM"
                }
                // Their values stand in the tree like any other, and nobody misses a gateway.
                #expect(try await reader.tag("linekeeper/gateways/gw-a/absent")?.v == .number(0))
                #expect(gateways.allSatisfy { $0.isRunning })
            }
        }
    }
}
