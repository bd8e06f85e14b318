import ZooKeeperClient
import ZooKeeperProtocol

/// One event that a watch ought to tell of.
struct WatchedChange: Hashable, Sendable, CustomStringConvertible {
    var zxid: Int64
    var type: EventType
    var path: String
    var description: String { "\(type) \(path) \(String(zxid, radix: 16))" }
}

/// What a consumer of a watch got.
enum WatchSighting: Sendable {
    case event(WatchedChange)
    /// A gap, and the newest change that a read behind it saw.
    case gap(seenThrough: Int64)
}

/// Whether a consumer who reads after each gap knows of every change.
enum WatchCoverage {
    /// Nil when each change was told in its order, once, or lies before a gap's read that saw it; otherwise what is wrong.
    static func fault(of sightings: [WatchSighting], with changes: [WatchedChange]) -> String? {
        var next = 0
        // How far the reads behind the gaps since the last event reach; nil without a gap.
        var excused: Int64?
        for sighting in sightings {
            switch sighting {
            case .gap(let zxid): excused = max(excused ?? 0, zxid)
            case .event(let event):
                guard let index = changes[next...].firstIndex(of: event) else {
                    return changes.contains(event) ? "told twice or late: \(event)" : "never happened: \(event)"
                }
                if let fault = missed(changes[next..<index], excused) { return fault + ", before \(event)" }
                next = index + 1
                excused = nil
            }
        }
        return missed(changes[next...], excused).map { $0 + ", at the end" }
    }

    private static func missed(_ changes: ArraySlice<WatchedChange>, _ excused: Int64?) -> String? {
        guard let last = changes.last, let first = changes.first else { return nil }
        guard let excused else { return "not told, without a gap: \(changes.count) from \(first)" }
        return last.zxid <= excused
            ? nil : "not told, and not seen behind the gap either: \(last); seen through \(String(excused, radix: 16))"
    }
}
