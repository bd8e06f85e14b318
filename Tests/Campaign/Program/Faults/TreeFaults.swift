import CampaignOracle
import Foundation
import Primitives
import TestFixtures

/// What may happen to the tree's server, and to all links to it at once.
enum TreeFaults {
    static func kill(_ scene: Scene, _ random: inout SeededRandom) async throws {
        scene.struck()
        await scene.tree?.kill9()
        try? await Task.sleep(for: random.milliseconds(0...2500))
        try await scene.tree?.start()
        try await scene.standing()
    }

    static func pause(_ scene: Scene, _ random: inout SeededRandom) async throws {
        scene.struck()
        scene.tree?.pause()
        try? await Task.sleep(for: random.milliseconds(300...3000))
        scene.tree?.resume()
        try await scene.standing()
    }

    /// Away for less than half a second; the sensors stop a moment before it is back (F3).
    static func blink(_ scene: Scene, _ random: inout SeededRandom) async throws {
        scene.struck()
        cut(scene)
        try? await Task.sleep(for: random.milliseconds(60...430))
        scene.sensors.mute()
        try? await Task.sleep(for: .milliseconds(30))
        heal(scene)
    }

    /// Every tag changes once while the tree is away. The gateway that would write half of them dies and returns; the other
    /// one holds the newer values (F5).
    static func newerElsewhere(_ scene: Scene, _ random: inout SeededRandom) async throws {
        try await scene.sensors.hush()
        try? await Task.sleep(for: .milliseconds(500))
        let victim = scene.seats[Int.random(in: 0..<scene.seats.count, using: &random)]
        scene.struck()
        cut(scene)
        try? await Task.sleep(for: .milliseconds(200))
        for metric in ["temperature", "vibration", "level", "flow", "torque", "count"] {
            await scene.sensors.send(metric, [metric == "count" ? 77_777 : 66])
        }
        // Longer than a gateway keeps its acknowledgement back: the broker forgets them.
        try? await Task.sleep(for: .milliseconds(900))
        await victim.kill9()
        let returnsFirst = Bool.random(using: &random)
        if !returnsFirst { heal(scene) }
        try victim.start()
        try? await Task.sleep(for: random.milliseconds(100...600))
        if returnsFirst { heal(scene) }
        try await scene.standing()
    }

    private static func cut(_ scene: Scene) {
        for seat in scene.seats {
            seat.treeLink?.refuse(true)
            seat.treeLink?.cut()
        }
    }

    private static func heal(_ scene: Scene) { for seat in scene.seats { seat.treeLink?.heal() } }
}
