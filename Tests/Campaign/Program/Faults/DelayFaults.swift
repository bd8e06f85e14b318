import CampaignOracle
import Foundation
import Primitives
import TestFixtures

/// Faults while on- and off-delays run. Nothing is published afterwards: what must end, ends by itself.
enum DelayFaults {
    /// Gateways are stopped and started again, one after the other, the delays having begun a moment before (F2).
    static func restart(_ scene: Scene, returning: Bool, _ random: inout SeededRandom) async throws {
        try await scene.sensors.hush()
        await scene.sensors.begin()
        try? await Task.sleep(for: .milliseconds(800))
        if returning {
            await scene.sensors.send("torque", [70])
            try? await Task.sleep(for: .milliseconds(CampaignPlant.torque.onDelay - 300))
            await scene.sensors.send("level", [80])
            await scene.sensors.send("flow", [8])
            try? await Task.sleep(for: .milliseconds(600))
            await scene.sensors.send("torque", [30])
            await scene.sensors.send("level", [30])
            await scene.sensors.send("flow", [45])
        } else {
            await scene.sensors.send("torque", [70])
            await scene.sensors.send("vibration", [70])
            await scene.sensors.send("flow", [5])
        }
        try? await Task.sleep(for: random.milliseconds(0...250))
        scene.struck()
        for seat in scene.seats {
            await seat.stop()
            try seat.start()
            // A patient operator waits for it, others go on to the next one.
            if Bool.random(using: &random) {
                try await scene.standing([seat])
            } else {
                try? await Task.sleep(for: random.milliseconds(0...150))
            }
        }
        try await scene.standing()
    }

    /// All gateways stand still for 0.55 to 0.9 s while a value is beyond its limit for 100 ms; the on-delay is 500 ms.
    static func pausePulse(_ scene: Scene, _ random: inout SeededRandom) async throws {
        try await scene.sensors.hush()
        await scene.sensors.begin()
        try? await Task.sleep(for: .milliseconds(700))
        await scene.sensors.send("vibration", [70])
        try? await Task.sleep(for: random.milliseconds(5...50))
        scene.struck()
        let begin = ContinuousClock.now
        let length = random.milliseconds(550...900)
        for seat in scene.seats { seat.pause() }
        try? await Task.sleep(for: .milliseconds(50))
        await scene.sensors.send("vibration", [20])
        try? await Task.sleep(until: begin + length)
        for seat in scene.seats { seat.resume() }
        try await scene.standing()
    }

    /// The active one stands still for longer than its session.
    static func pauseLong(_ scene: Scene, _ random: inout SeededRandom) async throws {
        let victim = await scene.active()
        scene.struck()
        victim.pause()
        try? await Task.sleep(for: CampaignFiles.sessionTimeout + random.milliseconds(500...2000))
        victim.resume()
        try await scene.standing()
    }
}
