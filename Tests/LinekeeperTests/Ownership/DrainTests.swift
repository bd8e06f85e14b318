import Foundation
import TestFixtures
import Testing

extension EndToEnd {
    /// Guarantee: "gateway stopped or drained: what it owns is handed over first".
    @Suite("Planned leaves")
    struct DrainTests {
        @Test(
            "drain, undo, SIGTERM and Ctrl-C while sensors publish and alarms move", .timeLimit(.minutes(5)))
        func leaves() async throws {
            try await Stage.play("drain") { stage in
                // Given three gateways on one tree, sensors that publish and alarms that move.
                let broker = try await stage.broker()
                let tree = try await stage.treeServer()
                let configuration = PlantConfiguration(broker: broker.url, tree: .servers(tree.connectString))
                let names = ["gw-a", "gw-b", "gw-c"]
                var gateways: [String: GatewayProcess] = [:]
                for name in names { gateways[name] = try stage.gateway(name, configuration) }
                let reader = try await stage.reader(configuration)
                try await Conditions.standing(names, reader)
                let plant = try await stage.plant(broker, machines: 24)
                plant.start(every: .milliseconds(25), flipChance: 0.15)
                try await Conditions.shared(plant, among: Set(names), reader)
                let active = try #require(try await reader.activeProcessor()?.gateway)
                let drained = try #require(gateways[active])
                let others = names.filter { $0 != active }

                // When the one that processes the alarms is asked to drain,
                let answer = try await stage.call(["drain", "--comment", "new disk", "--by", "ann"], of: drained)
                #expect(answer.status == 0, "\(answer)")
                #expect(answer.output.hasPrefix("\(active) has handed "), "\(answer)")
                #expect(answer.output.contains("and the alarms over in"), "\(answer)")
                for other in others { #expect(answer.output.contains("\(other) has "), "\(answer)") }

                // then it owns nothing, says so, and the others have everything; the journal names the person.
                let owners = try await reader.shardOwners().mapValues(\.gateway)
                #expect(owners.count == 64 && Set(owners.values) == Set(others), "\(owners)")
                #expect(try await reader.activeProcessor()?.gateway != active)
                let status = try await stage.call(["status"], of: drained)
                #expect(status.status == 0 && status.output.contains("drained"), "\(status)")
                let shown = try await stage.call(["status", "--owners"], of: drained)
                #expect(shown.status == 0 && shown.output.contains("its part (weight 1 of 2)"), "\(shown)")
                let device = try await stage.call(
                    ["status", "--owners", "--json", "--device", plant.devices[0]], of: drained)
                let owner = try #require(try await reader.owner(device: plant.devices[0]))
                #expect(device.output.contains("\"owner\":\"\(owner)\""), "\(device)")
                let journal = try await stage.call(
                    ["journal", "--json", "--last", "0", "--kind", "operator"], of: drained)
                #expect(journal.output.contains("\"transition\":\"DRAIN\""), "\(journal)")

                // It comes back when it is asked to.
                let undone = try await stage.call(["drain", active, "--undo"], of: drained)
                #expect(undone.status == 0 && undone.output.contains("takes its share again"), "\(undone)")
                try await Conditions.shared(plant, among: Set(names), reader)

                // When two of them are stopped, by SIGTERM and Ctrl-C, and the signal comes twice,
                for (name, number) in zip(others, [SIGTERM, SIGINT]) {
                    let gateway = try #require(gateways[name])
                    gateway.strike(number)
                    gateway.strike(number)
                    let exit = await gateway.process?.waitForExit(within: .seconds(20))
                    #expect(exit == .exited(0), "\(name): \(exit.map { "\($0)" } ?? "still runs")")
                    let log = gateway.process?.output ?? ""
                    #expect(log.contains("handed everything over before stopping"), "\(log)")
                }

                // then the last one has everything, and nobody can take over from it.
                try await Conditions.standing([active], reader)
                let alone = try await stage.call(["drain"], of: drained)
                #expect(alone.status == 1, "\(alone)")
                #expect(alone.errors.contains("nobody can take over: no other gateway is registered"), "\(alone)")
                let unknown = try await stage.call(["drain", "gw-x"], of: drained)
                #expect(unknown.status == 1 && unknown.errors.contains("no gateway gw-x is registered"), "\(unknown)")

                // In the end every occurrence is recorded exactly once, none is lost, and every tag holds its last value.
                await plant.stop()
                #expect(plant.failures.isEmpty)
                try await Conditions.lastValuesStand(plant, reader)
                try await Conditions.journalHolds(plant.expectedChanges, reader)
            }
        }
    }
}
