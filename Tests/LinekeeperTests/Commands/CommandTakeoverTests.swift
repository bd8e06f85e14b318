import Foundation
import TestFixtures
import Testing

extension EndToEnd {
    /// Guarantee: "gateway process killed: no command is lost"; idempotent ones arrive at least once under one id,
    /// at-most-once ones never twice.
    @Suite("Commands through a takeover")
    struct CommandTakeoverTests {
        @Test(
            "commands before, during and after the owner is killed", .timeLimit(.minutes(5)),
            arguments: TreeKind.allCases)
        func killOwner(_ kind: TreeKind) async throws {
            try await Stage.play("commands-\(kind)") { stage in
                // Given two gateways that share the devices of a plant,
                let broker = try await stage.broker()
                let configuration = PlantConfiguration(broker: broker.url, tree: .servers(try await stage.tree(kind)))
                let gateways = [try stage.gateway("gw-a", configuration), try stage.gateway("gw-b", configuration)]
                let reader = try await stage.reader(configuration)
                try await Conditions.standing(["gw-a", "gw-b"], reader)
                let device = try await stage.device(broker)
                let plant = try await stage.plant(broker, machines: 12)
                await plant.round()
                try await Conditions.shared(plant, among: ["gw-a", "gw-b"], reader)

                // before: both kinds are carried out and answered,
                for (name, parameters) in [("setSpeed", ["rpm=900"]), ("stroke", [])] {
                    let sent = try await stage.call(
                        ["command", "send", plant.devices[0], name] + parameters + ["--id", "before-\(name)"],
                        of: gateways[0])
                    #expect(sent.status == 0, "\(sent)")
                    #expect(try await reader.command("before-\(name)")?.state == "SUCCEEDED")
                }

                // during: the owner of some of them is killed while the devices are still at work,
                device.answer(after: .milliseconds(1500))
                let victim = try #require(gateways.first { $0.id == "gw-a" })
                let other = try #require(gateways.first { $0.id == "gw-b" })
                let mine = try await plant.devices.asyncFilter { try await reader.owner(device: $0) == victim.id }
                #expect(!mine.isEmpty, "the devices are shared")
                for (index, path) in plant.devices.enumerated() {
                    let name = index % 2 == 0 ? "setSpeed" : "stroke"
                    let parameters = index % 2 == 0 ? ["rpm=\(index * 10)"] : []
                    let sent = try await stage.call(
                        ["command", "send", path, name] + parameters + ["--id", "during-\(index)", "--no-wait"],
                        of: other)
                    #expect(sent.status == 0, "\(sent)")
                    if index == plant.devices.count / 2 { victim.strike() }
                }
                let ids = plant.devices.indices.map { "during-\($0)" }
                try await eventually(
                    "every command has come to its end", within: .seconds(60),
                    seen: {
                        var open: [String] = []
                        for id in ids { open.append("\(id) \((try? await reader.command(id)?.state) ?? "none")") }
                        return open.joined(separator: ", ")
                    }
                ) {
                    try await ids.asyncFilter { !Self.final.contains(try await reader.command($0)?.state ?? "") }
                        .isEmpty
                }
                for (index, id) in ids.enumerated() {
                    let record = try #require(try await reader.command(id))
                    let count = device.counts[id] ?? 0
                    if index % 2 == 0 {
                        #expect(record.state == "SUCCEEDED", "\(record)")
                        #expect(count >= 1, "\(id) never reached its device")
                    } else {
                        #expect(["SUCCEEDED", "UNKNOWN"].contains(record.state), "\(record)")
                        #expect(count <= 1, "\(id) reached its device \(count) times")
                        if record.state == "SUCCEEDED" { #expect(count == 1) }
                    }
                }

                // after: the survivor does everything, and the ids that were used are not executed again.
                device.answer(after: .zero)
                for (name, parameters) in [("setSpeed", ["rpm=300"]), ("stroke", [])] {
                    let sent = try await stage.call(
                        ["command", "send", mine.first ?? plant.devices[0], name] + parameters + [
                            "--id", "after-\(name)",
                        ],
                        of: other)
                    #expect(sent.status == 0, "\(sent)")
                    #expect(device.counts["after-\(name)"] == 1)
                }
                let again = try await stage.call(
                    ["command", "send", plant.devices[0], "stroke", "--id", "before-stroke"], of: other)
                #expect(again.status == 0, "\(again)")
                #expect(device.counts["before-stroke"] == 1, "the id is the idempotency key")
                #expect(device.unreadable.isEmpty)
                #expect(device.arrivals.allSatisfy { !$0.retained })
                #expect(device.arrivals.allSatisfy { $0.epoch != nil }, "every command carries its sender's epoch")
            }
        }

        private static let final: Set = [
            "SUCCEEDED", "FAILED", "REJECTED", "EXPIRED", "TIMED_OUT", "UNKNOWN", "CANCELLED", "SUPERSEDED",
        ]
    }
}
