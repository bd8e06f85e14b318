import CampaignOracle
import Foundation
import Primitives
import TestFixtures

/// Gateways that die without a word.
enum KillFaults {
    /// One of several; it is started again a while later.
    static func one(_ scene: Scene, active: Bool, _ random: inout SeededRandom) async throws {
        let victim = active ? await scene.active() : await scene.standby()
        try? await Task.sleep(for: random.milliseconds(0...20))
        scene.struck()
        victim.strike()
        try? await Task.sleep(for: random.milliseconds(300...1500))
        await victim.kill9()
        try victim.start()
        try await scene.standing()
    }

    /// All at once, within milliseconds of a spike on every temperature.
    static func all(_ scene: Scene, _ random: inout SeededRandom) async throws {
        await scene.sensors.send("temperature", [CampaignPlant.hot, CampaignPlant.calm])
        try? await Task.sleep(for: random.milliseconds(0...5), tolerance: .zero)
        scene.struck()
        for seat in scene.seats { seat.strike() }
        // What a standby had acknowledged and the owner had not written is in nobody's hands if the standby serves next. A
        // transition it acknowledges only once that is recorded.
        if scene.seats.count > 1 {
            let now = WallTime.now()
            scene.note { $0.uncertainWithoutTransition.append(now - 550...now) }
        }
        for seat in scene.seats { await seat.kill9() }
        try? await Task.sleep(for: random.milliseconds(100...800))
        for seat in scene.seats { try seat.start() }
        try await scene.standing()
    }

    /// The lone one, three times, each time 0 to 5 ms after two samples that are a millisecond apart (F1).
    static func atSpike(_ scene: Scene, _ random: inout SeededRandom) async throws {
        for round in 1...3 {
            await scene.sensors.send("temperature", [CampaignPlant.hot, CampaignPlant.calm])
            let offset = Duration.microseconds(Int.random(in: 0...5000, using: &random))
            try? await Task.sleep(for: offset, tolerance: .zero)
            scene.struck()
            for seat in scene.seats { await seat.kill9() }
            for seat in scene.seats { try seat.start() }
            try await scene.standing()
            if round < 3 { try? await Task.sleep(for: random.milliseconds(200...500)) }
        }
    }

    /// The active one says nothing for a while, and the other is killed meanwhile. What the other had acknowledged to the
    /// broker and nobody recorded may be lost (F4); what still stands afterwards must alarm.
    static func silentThenOther(_ scene: Scene, _ random: inout SeededRandom) async throws {
        let active = await scene.active()
        let other = await scene.standby()
        scene.struck()
        let begin = WallTime.now()
        active.pause()
        try? await Task.sleep(for: random.milliseconds(600...1500))
        other.strike()
        try? await Task.sleep(for: random.milliseconds(100...1000))
        active.resume()
        // From before the pause: what the paused one had not taken over yet.
        scene.note { $0.uncertain.append(begin - 500...WallTime.now()) }
        await other.kill9()
        try other.start()
        try await scene.standing()
    }
}
