import CampaignOracle
import Foundation
import Primitives
import TestFixtures

/// What the devices' clocks and memories do. Only alarms without delays are on these topics: their histories follow from the
/// samples' own times, whatever the clocks.
enum ClockFaults {
    /// Longer than it takes to believe another clock, and to have that proved.
    private static let untilBelieved = Duration.seconds(8)

    private static func sensors(_ scene: Scene) -> [Sensor] {
        scene.sensors.all.filter { $0.script.rule == CampaignPlant.overtemperature && !$0.script.fallsSilent }
            .enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
    }

    static func set(_ scene: Scene, _ random: inout SeededRandom) async throws {
        scene.note { $0.clocksChange = true }
        scene.struck()
        for _ in 0..<Int.random(in: 1...2, using: &random) {
            for sensor in sensors(scene) {
                let isAhead = Bool.random(using: &random)
                // Ahead by less than a minute, beyond which no time is believed; back by less than makes history.
                sensor.setClock(by: .random(in: isAhead ? 3_000...50_000 : -400_000 ... -3_000, using: &random))
            }
            try? await Task.sleep(for: untilBelieved)
        }
    }

    static func standStill(_ scene: Scene, _ random: inout SeededRandom) async throws {
        scene.note { $0.clocksChange = true }
        scene.struck()
        for sensor in sensors(scene) { sensor.stopClock(true) }
        try? await Task.sleep(for: random.milliseconds(3000...5000))
        for sensor in sensors(scene) { sensor.stopClock(false) }
    }

    /// What comes without a time of its own is dated by the gateways' clocks, and may be so anyhow meanwhile.
    static func setGateways(_ scene: Scene, _ random: inout SeededRandom) async throws {
        let decade: Int64 = 10 * 365 * 86_400_000
        let seats = Bool.random(using: &random) ? scene.seats : [await scene.active()]
        scene.struck()
        let begin = WallTime.now()
        for _ in 0..<Int.random(in: 1...2, using: &random) {
            let offset = [5_000, 60_000, 3_600_000, decade].randomElement(using: &random) ?? decade
            let isAhead = Bool.random(using: &random)
            for seat in seats { try seat.clock?.set(aheadBy: isAhead ? offset : -offset) }
            try? await Task.sleep(for: random.milliseconds(500...4000))
            for seat in seats { try seat.clock?.set(aheadBy: 0) }
            try? await Task.sleep(for: random.milliseconds(200...1500))
        }
        scene.note { $0.uncertainWithoutTime.append(begin - 500...WallTime.now() + 1_000) }
    }

    static func buffer(_ scene: Scene, _ random: inout SeededRandom) async throws {
        scene.struck()
        for sensor in sensors(scene) { sensor.buffer(true) }
        try? await Task.sleep(for: random.milliseconds(3000...8000))
        for sensor in sensors(scene) { sensor.buffer(false) }
    }
}
