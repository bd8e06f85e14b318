import Foundation
import TestFixtures
import Testing

extension EndToEnd {
    /// Guarantees: "broker restart or outage", "tree unavailable", "power loss with the embedded server".
    @Suite("Outages")
    struct OutageTests {
        @Test("the broker is restarted", .timeLimit(.minutes(3)))
        func brokerRestart() async throws {
            try await Stage.play("broker-restart") { stage in
                // Given an hour-old sample beyond the limit that the broker retains, and two gateways at work,
                let broker = try await stage.broker()
                let tree = try await stage.treeServer()
                let configuration = PlantConfiguration(broker: broker.url, tree: .servers(tree.connectString))
                let link = try await stage.link(broker, "old-sensor")
                let hourAgo = Int64(Date().timeIntervalSince1970 * 1000) - 3_600_000
                let oldTag = "factory/line9/old/temperature"
                try await link.publish(oldTag, "{\"v\":99,\"ts\":\(hourAgo)}", retain: true)
                let gateways = [try stage.gateway("gw-a", configuration), try stage.gateway("gw-b", configuration)]
                let reader = try await stage.reader(configuration)
                try await Conditions.standing(["gw-a", "gw-b"], reader)
                let plant = try await stage.plant(broker)
                for _ in 0..<20 { await plant.round(flipChance: 0.3) }
                try await Conditions.journalHolds(plant.expectedChanges, reader)
                try await eventually("the retained value stands in the tree") {
                    try await reader.tag(oldTag)?.t == hourAgo
                }

                // when the broker is restarted, twice,
                for _ in 1...2 {
                    broker.stop()
                    try await Task.sleep(for: .milliseconds(500))
                    try await broker.start()
                    // (a round of the same values until one goes through: what changes meanwhile would be lost to all)
                    try await eventually("the plant publishes again", within: .seconds(20)) {
                        let failures = plant.failures.count
                        await plant.round(flipChance: 0)
                        return plant.failures.count == failures
                    }
                    // then values flow again,
                    try await Conditions.lastValuesStand(plant, reader)
                    try await Conditions.standing(["gw-a", "gw-b"], reader)
                    // alarms are raised and cleared again,
                    let live = "factory/line9/live/temperature"
                    let before = try await reader.alarm(live, "overtemperature")?.occurrence ?? 0
                    try await eventually("an alarm is raised", within: .seconds(20)) {
                        try? await link.publish(live, "{\"v\":99,\"ts\":\(Int64(Date().timeIntervalSince1970 * 1000))}")
                        return try await reader.alarm(live, "overtemperature")?.state == "UNACK"
                    }
                    try await eventually("and cleared", within: .seconds(20)) {
                        try? await link.publish(live, "{\"v\":20,\"ts\":\(Int64(Date().timeIntervalSince1970 * 1000))}")
                        return try await reader.alarm(live, "overtemperature")?.state == "RTNUN"
                    }
                    #expect(try await reader.alarm(live, "overtemperature")?.occurrence == before + 1)
                }
                // and the retained old sample, heard again after each restart, has raised none.
                let raised = try await reader.alarmJournal().filter { $0.record?.tag == oldTag }
                #expect(raised.isEmpty, "\(raised)")
                #expect(gateways.allSatisfy { $0.isRunning })
            }
        }

        @Test("the tree server is killed and restarted", .timeLimit(.minutes(3)))
        func treeRestart() async throws {
            try await Stage.play("tree-restart") { stage in
                // Given two gateways at work on one tree server,
                let broker = try await stage.broker()
                let tree = try await stage.treeServer()
                let configuration = PlantConfiguration(broker: broker.url, tree: .servers(tree.connectString))
                let gateways = [try stage.gateway("gw-a", configuration), try stage.gateway("gw-b", configuration)]
                let reader = try await stage.reader(configuration)
                try await Conditions.standing(["gw-a", "gw-b"], reader)
                let plant = try await stage.plant(broker)
                plant.start(flipChance: 0.2)
                try await Conditions.lastValuesArrive(plant, reader)
                let acknowledged = try await reader.tags(plant.tags)

                // when it is killed and stays away while everything goes on,
                await tree.kill9()
                try await Task.sleep(for: .seconds(2))
                // commands are refused with a reason rather than left hanging,
                let refused = try await stage.call(
                    ["command", "send", plant.devices[0], "stroke", "--timeout", "2s"], of: gateways[0])
                #expect(refused.status == 3, "\(refused)")
                #expect(!refused.errors.isEmpty)
                try await tree.start()

                // then what it had acknowledged is there,
                let after = try await eventuallyValue("the tree answers", within: .seconds(20)) {
                    try? await reader.tags(plant.tags)
                }
                for (tag, before) in acknowledged {
                    #expect((after[tag]?.t ?? .min) >= before.t, "\(tag) lost what was acknowledged")
                }
                // the gateways catch up: last values, and each alarm of the outage.
                try await Conditions.standing(["gw-a", "gw-b"], reader)
                await plant.stop()
                try await Conditions.lastValuesStand(plant, reader)
                try await Conditions.journalHolds(plant.expectedChanges, reader)
                #expect(gateways.allSatisfy { $0.isRunning })
            }
        }

        @Test("the gateways are killed while the tree is away", .timeLimit(.minutes(3)))
        func killedInOutage() async throws {
            try await Stage.play("killed-in-outage") { stage in
                // Given two gateways at work on one tree server,
                let broker = try await stage.broker()
                let tree = try await stage.treeServer()
                var configuration = PlantConfiguration(broker: broker.url, tree: .servers(tree.connectString))
                configuration.state = "state"
                let gateways = [try stage.gateway("gw-a", configuration), try stage.gateway("gw-b", configuration)]
                let reader = try await stage.reader(configuration)
                try await Conditions.standing(["gw-a", "gw-b"], reader)
                let plant = try await stage.plant(broker)
                for _ in 0..<5 { await plant.round(flipChance: 0.3) }
                try await Conditions.journalHolds(plant.expectedChanges, reader)
                let before = plant.expectedChanges.values.map(\.count).reduce(0, +)
                func file(_ gateway: String) -> String {
                    stage.scratch.file("\(gateway).config/state/test/\(gateway)/alarm-transitions.jsonl")
                }

                // when alarms come and go while the tree is away, and every gateway is killed once its disk has them,
                await tree.kill9()
                for _ in 0..<20 { await plant.round(flipChance: 0.3) }
                let count = plant.expectedChanges.values.map(\.count).reduce(0, +) - before
                for gateway in ["gw-a", "gw-b"] {
                    try await eventually("\(gateway) has kept \(count) transitions") {
                        let text = (try? String(contentsOfFile: file(gateway), encoding: .utf8)) ?? ""
                        return text.split(separator: "\n").count - 1 >= count
                    }
                }
                for gateway in gateways { await gateway.kill9() }
                // and tree and gateways come back,
                for gateway in gateways { try gateway.start() }
                try await tree.start()

                // then each alarm of the outage is recorded, once and in its order.
                try await Conditions.standing(["gw-a", "gw-b"], reader)
                try await Conditions.journalHolds(plant.expectedChanges, reader)
                // What is recorded does not stay on the disks.
                for gateway in ["gw-a", "gw-b"] {
                    try await eventually("\(gateway) keeps nothing any more") {
                        !FileManager.default.fileExists(atPath: file(gateway))
                    }
                }
            }
        }

        @Test("a single gateway with its embedded tree is killed and restarted", .timeLimit(.minutes(3)))
        func embeddedRestart() async throws {
            try await Stage.play("embedded-restart") { stage in
                // Given one gateway that keeps its tree itself,
                let broker = try await stage.broker()
                let configuration = PlantConfiguration(broker: broker.url, tree: try stage.embeddedTree())
                let gateway = try await stage.gatewayWithTree("solo", configuration)
                let reader = try await stage.reader(configuration)
                try await Conditions.standing(["solo"], reader)
                let plant = try await stage.plant(broker)
                plant.start()
                try await Conditions.lastValuesArrive(plant, reader)

                var times = Times()
                for _ in 1...3 {
                    let before = try await reader.tags(plant.tags)
                    let epoch = try #require(try await reader.activeProcessor()?.epoch)
                    // when it is killed and started again under the same name,
                    let struck = ContinuousClock.now
                    await gateway.kill9()
                    try gateway.start()
                    // then it takes its own work back at once, without waiting for its dead session,
                    try await eventually(
                        "the same gateway is active again", within: .seconds(20), every: .milliseconds(20)
                    ) {
                        let active = try? await reader.activeProcessor()
                        return active?.gateway == "solo" && active?.epoch != epoch
                    }
                    times.add(.now - struck)
                    try await Conditions.standing(["solo"], reader)
                    // with everything that was acknowledged.
                    let after = try await reader.tags(plant.tags)
                    for (tag, node) in before {
                        #expect((after[tag]?.t ?? .min) >= node.t, "\(tag) lost what was acknowledged")
                    }
                }
                await plant.stop()
                try await Conditions.lastValuesStand(plant, reader)
                try await Conditions.journalHolds(plant.expectedChanges, reader)
                print("restart of a single gateway with its tree: active again after \(times.description)")
                // Start of process, recovery of the tree and election; the dead session alone would have cost four seconds.
                #expect(times.median < .seconds(4))
                #expect(await gateway.stop() == .exited(0), "a clean stop ends with status 0")
            }
        }
    }
}
