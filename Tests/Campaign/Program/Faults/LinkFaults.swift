import CampaignOracle
import Foundation
import Primitives
import TestFixtures

/// Links that are reset, refused, or swallow what is sent. Half of the time it is the active gateway's.
enum LinkFaults {
    static func broker(_ scene: Scene, for length: Duration) async throws {
        let victim = await pick(scene)
        scene.struck()
        victim.brokerLink?.refuse(true)
        victim.brokerLink?.cut()
        try? await Task.sleep(for: length)
        victim.brokerLink?.heal()
    }

    /// Nobody is told: connections stay open, new ones are accepted, nothing comes through.
    static func brokerSilent(_ scene: Scene, for length: Duration) async throws {
        let victim = await pick(scene)
        scene.struck()
        victim.brokerLink?.discard(.toServer)
        victim.brokerLink?.discard(.toClient)
        try? await Task.sleep(for: length)
        // A stream with a hole in it is no connection any more.
        victim.brokerLink?.cut()
        victim.brokerLink?.heal()
    }

    /// Only one of the two connections of the active gateway; the client id in its first packet tells them apart.
    static func oneConnection(_ scene: Scene, control: Bool, _ random: inout SeededRandom) async throws {
        let victim = await scene.active()
        let mark = Array("-control".utf8)
        scene.struck()
        victim.brokerLink?.refuse { beginning in
            let isControl = beginning.indices.contains { beginning[$0...].starts(with: mark) }
            return isControl == control
        }
        try? await Task.sleep(for: random.milliseconds(300...4500))
        victim.brokerLink?.refuse(beginning: nil)
    }

    static func tree(_ scene: Scene, for length: Duration) async throws {
        let victim = await scene.active()
        scene.struck()
        victim.treeLink?.refuse(length > .milliseconds(100))
        victim.treeLink?.cut()
        try? await Task.sleep(for: length)
        victim.treeLink?.heal()
        try await scene.standing()
    }

    static func treeOneWay(_ scene: Scene, _ random: inout SeededRandom) async throws {
        let victim = await scene.active()
        scene.struck()
        victim.treeLink?.discard(Bool.random(using: &random) ? .toServer : .toClient)
        try? await Task.sleep(for: random.milliseconds(3000...4000))
        victim.treeLink?.cut()
        victim.treeLink?.heal()
        try await scene.standing()
    }

    private static func pick(_ scene: Scene) async -> Seat {
        var random = scene.plan.random("victim")
        return Bool.random(using: &random) ? await scene.active() : await scene.standby()
    }
}
