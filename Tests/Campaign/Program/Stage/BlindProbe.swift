import CampaignOracle
import Foundation
import TestFixtures

/// Measures for how long a fault leaves the plant blind: until every counting tag shows a value of after the fault in the
/// tree, and until the first alarm of after it is heard.
struct BlindProbe {
    var tags: Duration?
    var alarms: Duration?

    private static let interval = Duration.milliseconds(10)

    /// Watches until it has both, or is cancelled.
    static func measure(_ scene: Scene, finished: @Sendable () -> Bool) async -> BlindProbe {
        var probe = BlindProbe()
        var open = Set((0..<CampaignPlant.devices).map { CampaignPlant.device($0) + "/count" })
        while !Task.isCancelled, !finished(), probe.tags == nil || probe.alarms == nil {
            try? await Task.sleep(for: interval)
            guard let struck = scene.notes.struck else { continue }
            if probe.alarms == nil {
                probe.alarms = scene.ears.firstEvent(sampledAfter: struck.wall).map { $0 - struck.clock }
            }
            if probe.tags == nil, let nodes = try? await scene.reader.tags(Array(open)) {
                for (tag, node) in nodes where node.t > struck.wall { open.remove(tag) }
                if open.isEmpty { probe.tags = .now - struck.clock }
            }
        }
        return probe
    }
}
