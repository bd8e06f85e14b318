import SparkplugB
import TestFixtures
import Testing

extension EndToEnd {
    /// The example for Sparkplug B, a real broker, two gateways, and an edge node that does what it is told.
    @Suite("Commands to metrics of Sparkplug B")
    struct MetricCommandTests {
        private static let more = """

              - name: typo
                devices: "{group}/{edge}/{unit}"
                topic: "spBv1.0/{group}/DCMD/{edge}/{unit}"
                payload: { metric: "Outputs/Sped", value: 1 }
                execution: atMostOnce

            """

        @Test(
            "births tell what is sent and the echo how it went, also after a takeover; the dead are refused",
            .timeLimit(.minutes(5)))
        func life() async throws {
            try await Stage.play("metric-commands") { stage in
                // Given two gateways with the example, and an edge node that has not been born,
                let broker = try await stage.broker()
                let configuration = PlantConfiguration(
                    broker: broker.url, tree: .servers(try await stage.treeServer().connectString),
                    routes: try ExampleFiles.routes(of: ["sparkplug"]),
                    alarms: "alarms: []\n",
                    commands: "commands:\n" + (try ExampleFiles.entries("sparkplug.commands.yaml", "commands"))
                        + Self.more)
                let gateways = [
                    "gw-a": try stage.gateway("gw-a", configuration), "gw-b": try stage.gateway("gw-b", configuration),
                ]
                let reader = try await stage.reader(configuration)
                try await Conditions.standing(["gw-a", "gw-b"], reader)
                let edge = try await SparkplugEdge.start(stage, broker)
                var caller = try #require(gateways["gw-a"])

                func send(_ arguments: String..., becomes state: String, status: Int32 = 0) async throws -> CommandNode
                {
                    let id = "c\(Int.random(in: 0..<1_000_000_000))"
                    let sent = try await stage.call(["command", "send"] + arguments + ["--id", id], of: caller)
                    #expect(sent.status == status, "\(arguments): \(sent)")
                    #expect(sent.output.contains("  \(state)"), "\(arguments): \(sent)")
                    return try #require(try await reader.command(id))
                }
                let check = try await stage.call(["check"], of: caller)
                #expect(check.status == 0, "\(check)")

                // then a command waits for its birth, until its deadline.
                let waiting = try await send(
                    "hall/pc/press", "setSpeed", "rpm=1", "--timeout", "2s", becomes: "EXPIRED", status: 1)
                #expect(waiting.detail?.contains("no birth on spBv1.0/hall/DBIRTH/pc/press") == true, "\(waiting)")

                // When it is born, commands are carried out, in the type of each metric.
                try await edge.birth()
                _ = try await send("hall/pc/press", "setSpeed", "rpm=900", becomes: "SUCCEEDED VERIFIED")
                let precise = try await send("hall/pc/press", "setSpeed", "rpm=0.1", becomes: "SUCCEEDED VERIFIED")
                #expect(precise.detail == "hall/pc/press/Outputs/Speed shows 0.10000000149011612", "\(precise)")
                _ = try await send("hall/pc", "scanRate", "rate=1000", becomes: "SUCCEEDED VERIFIED")
                _ = try await send("hall/pc", "reboot", becomes: "PUBLISHED")
                try await eventually("the reboot") { await edge.written("Node Control/Reboot") == [.bool(true)] }
                #expect(await edge.written("Outputs/Speed") == [.float(900), .float(0.1)])
                #expect(await edge.written("Node Control/Scan Rate") == [.int(1000)])
                #expect(
                    await edge.orders.map(\.topic) == [
                        "spBv1.0/hall/DCMD/pc/press", "spBv1.0/hall/DCMD/pc/press", "spBv1.0/hall/NCMD/pc",
                        "spBv1.0/hall/NCMD/pc",
                    ])
                for order in await edge.orders {
                    #expect(order.payload.sequence == nil && order.payload.timestamp != nil)
                    let aliases: [String?: UInt64] = [
                        "Node Control/Scan Rate": 1, "Node Control/Reboot": 2, "Outputs/Speed": 3,
                    ]
                    #expect(order.payload.metrics.allSatisfy { $0.alias != nil && $0.alias == aliases[$0.name] })
                }

                // What the birth does not name, or its type cannot have, is not sent.
                let typo = try await send("hall/pc/press", "typo", becomes: "REJECTED", status: 1)
                #expect(typo.reason == "metric", "\(typo)")
                #expect(
                    typo.detail == "the birth on spBv1.0/hall/DBIRTH/pc/press names no metric Outputs/Sped", "\(typo)")
                let large = try await send("hall/pc", "scanRate", "rate=40000", becomes: "REJECTED", status: 1)
                #expect(large.detail?.contains("out of the range") == true, "\(large)")
                #expect(await edge.orders.count == 4)

                // Whether it has done what it does not tell is not known.
                await edge.obeys(false)
                let ignored = try await send(
                    "hall/pc/press", "setSpeed", "rpm=0", "--timeout", "2s", becomes: "TIMED_OUT", status: 1)
                #expect(ignored.verification == nil, "\(ignored)")
                await edge.obeys(true)

                // When the device's owner is killed, the next one knows what the births have said.
                let owner = try #require(try await reader.owner(device: "hall/pc/press"))
                await gateways[owner]?.kill9()
                caller = try #require(gateways.first { $0.key != owner }?.value)
                let next = try await send(
                    "hall/pc/press", "setSpeed", "rpm=700", "--timeout", "30s", becomes: "SUCCEEDED VERIFIED")
                #expect(next.gateway != owner, "\(next)")

                // Nothing is sent to the dead.
                try await edge.death()
                try await eventually("the device is offline") {
                    try await reader.text("/devices/hall/pc/press").contains("\"offline\"")
                }
                let count = await edge.orders.count
                let dead = try await send("hall/pc/press", "setSpeed", "rpm=1", becomes: "REJECTED", status: 1)
                #expect(dead.detail?.contains("its device is dead") == true, "\(dead)")
                #expect(await edge.orders.count == count)

                // Nothing is sent to see what would be.
                let trial = try await stage.call(
                    ["check", "--command", "setSpeed", "--device", "hall/pc/press", "rpm=900"], of: caller)
                #expect(trial.status == 0, "\(trial)")
                #expect(trial.output.contains("topic   spBv1.0/hall/DCMD/pc/press, QoS 0"), "\(trial)")
                #expect(
                    trial.output.contains("metric  Outputs/Speed = 900, of the type that its birth says"), "\(trial)")
                #expect(trial.output.contains("verify  the metric's own tag shows what was sent"), "\(trial)")
                #expect(await edge.orders.count == count)
            }
        }
    }
}
