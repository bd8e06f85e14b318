import TestFixtures
import Testing

extension EndToEnd {
    /// Guarantee: a gateway that comes to own a tag and has heard less of it than its predecessor does not take the tag
    /// back to an older sample.
    @Suite("Deaf gateway")
    struct DeafGatewayTests {
        @Test(
            "a gateway takes over while the broker's messages are held back from it", .timeLimit(.minutes(3)),
            arguments: TreeKind.allCases)
        func takesOverUnheard(_ kind: TreeKind) async throws {
            try await Stage.play("deaf-\(kind)") { stage in
                // Given two gateways, one of which is reached by the broker through a proxy,
                let broker = try await stage.broker()
                let proxy = try FaultProxy(target: broker.port)
                stage.onEnd { proxy.close() }
                let tree = PlantConfiguration.Tree.servers(try await stage.tree(kind))
                let behindProxy = PlantConfiguration(broker: "mqtt://127.0.0.1:\(proxy.port)", tree: tree)
                let deaf = try stage.gateway("gw-a", behindProxy)
                let configuration = PlantConfiguration(broker: broker.url, tree: tree)
                let other = try stage.gateway("gw-b", configuration)
                let reader = try await stage.reader(configuration)
                try await Conditions.standing(["gw-a", "gw-b"], reader)
                let plant = try await stage.plant(broker, machines: 16)
                for _ in 0..<5 { await plant.round() }
                try await Conditions.shared(plant, among: ["gw-a", "gw-b"], reader)
                try await Conditions.lastValuesStand(plant, reader)
                let watch = TagOrderWatch(reader, plant.tags)

                // when it hears nothing while values change,
                proxy.hold(.toClient)
                for _ in 0..<20 { await plant.round() }
                let last = plant.lastValues
                let ofOther = try await plant.devices.asyncFilter { try await reader.owner(device: $0) == other.id }
                    .flatMap { [$0 + "/temperature", $0 + "/count"] }
                try #require(!ofOther.isEmpty)
                try await eventually("the other one's tags have their last values") {
                    let nodes = try await reader.tags(ofOther)
                    return ofOther.allSatisfy { nodes[$0]?.v?.number == last[$0] }
                }

                // and the other one, which has heard them, hands its shards over,
                #expect(await other.stop() == .exited(0))
                try await Conditions.standing(["gw-a"], reader)
                try await eventually("it writes what belongs to the shards") {
                    try await plant.devices.asyncFilter { try await reader.owner(device: $0) != deaf.id }.isEmpty
                }
                // (long enough for the tags as well)
                try await Task.sleep(for: .milliseconds(500))
                let unheard = try await reader.tags(ofOther)

                // then it leaves those tags as they are; and once it hears again it goes on.
                for tag in ofOther {
                    let value = unheard[tag]?.v?.number
                    #expect(value == last[tag], "\(tag) holds \(value.map { "\($0)" } ?? "nothing")")
                }
                proxy.heal()
                for _ in 0..<5 { await plant.round() }
                try await Conditions.lastValuesStand(plant, reader)
                let back = await watch.end()
                #expect(back.isEmpty, "\(back.count) went back, first \(back.prefix(5).joined(separator: "; "))")
                try await Conditions.journalHolds(plant.expectedChanges, reader)
                #expect(deaf.isRunning)
            }
        }
    }
}
