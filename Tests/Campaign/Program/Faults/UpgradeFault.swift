import CampaignOracle
import Foundation
import Primitives
import TestFixtures

/// One gateway of each program on one tree: each hands over to the other and takes over from it.
enum UpgradeFault {
    static func roll(_ scene: Scene, _ random: inout SeededRandom) async throws {
        guard scene.other != nil else { throw FixtureError("a rolling upgrade needs --upgrade-from BINARY") }
        scene.struck()
        // Four times, so that each program has been the one that leaves at least once whoever is active first.
        for _ in 1...4 {
            let leaving = await scene.active()
            if Bool.random(using: &random) { await leaving.stop() } else { await leaving.kill9() }
            try? await Task.sleep(for: random.milliseconds(0...600))
            // With the program that it had: records pass both ways.
            try leaving.start()
            try await scene.standing()
            try? await Task.sleep(for: random.milliseconds(100...400))
        }
        // And the upgrade itself.
        if let old = scene.seat("gw-a") {
            await old.stop()
            try old.start(scene.program)
            try await scene.standing()
        }
    }
}
