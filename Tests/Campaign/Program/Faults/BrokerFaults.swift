import CampaignOracle
import Foundation
import Primitives
import TestFixtures

/// What may happen to the broker.
enum BrokerFaults {
    /// What a broker may have acknowledged to a sensor and not yet sent to a gateway when it dies.
    private static let unsent: Int64 = 300

    /// kill -9. Gone with it: retained messages, sessions and queued messages since its disk was last written, or all of
    /// them where it has no disk.
    static func kill(_ scene: Scene, _ random: inout SeededRandom) async throws {
        scene.struck()
        let begin = WallTime.now()
        scene.broker.stop(SIGKILL)
        try? await Task.sleep(for: random.milliseconds(100...1500))
        let logged = scene.broker.log.utf8.count
        try await scene.broker.start()
        try await scene.ears.waitUntilHearing()
        try await allSubscribed(scene, since: logged)
        let end = WallTime.now()
        scene.note {
            $0.uncertain.append(begin - unsent...end)
            $0.deaf.append(begin - unsent...end + unsent)
        }
    }

    /// Until a gateway has subscribed again, a broker that has forgotten it keeps nothing for it. One with a disk has forgotten
    /// who came since it was last written.
    private static func allSubscribed(_ scene: Scene, since logged: Int) async throws {
        try await eventually("all gateways have subscribed again", within: .seconds(20)) {
            let log = String(decoding: scene.broker.log.utf8.dropFirst(logged), as: UTF8.self)
            return scene.seats.allSatisfy { seat in
                log.contains("Sending SUBACK to linekeeper-\(scene.plant)-\(seat.id)\n")
            }
        }
        // There is an answer for each of its filters.
        try await Task.sleep(for: .milliseconds(100))
    }

    /// SIGTERM: it writes everything down first.
    static func restart(_ scene: Scene, _ random: inout SeededRandom) async throws {
        scene.struck()
        scene.broker.stop()
        try? await Task.sleep(for: random.milliseconds(100...1500))
        try await scene.broker.start()
        try await scene.ears.waitUntilHearing()
    }

    static func pause(_ scene: Scene, _ random: inout SeededRandom) async throws {
        scene.struck()
        scene.broker.pause()
        try? await Task.sleep(for: random.milliseconds(300...4000))
        scene.broker.resume()
    }

    /// Its access list lets nobody announce alarms for some seconds (B11).
    static func refuseAnnouncements(_ scene: Scene, _ random: inout SeededRandom) async throws {
        scene.struck()
        // Refused announcements are tried again with a back-off of up to 30 s.
        scene.note { $0.patience = .seconds(40) }
        try scene.scratch.write(
            """
            topic readwrite factory/#
            topic readwrite plain/#
            topic readwrite campaign/#
            topic read linekeeper/#
            topic readwrite linekeeper/+/commands/#
            topic readwrite linekeeper/+/gateways/#

            """, to: "mosquitto.acl")
        reload(scene)
        try? await Task.sleep(for: random.milliseconds(1500...3500))
        try scene.scratch.write(StageBuilder.everything, to: "mosquitto.acl")
        reload(scene)
    }

    private static func reload(_ scene: Scene) {
        if let pid = scene.broker.pid { Glibc.kill(pid, SIGHUP) }
    }
}
