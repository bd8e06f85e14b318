import Foundation
import Testing

/// The real program with a real mosquitto and a real ZooKeeper. One test at a time: they measure and they fight for cores.
@Suite("End to end", .serialized, Stage.reportingLogs)
enum EndToEnd {}

/// Knobs of a run, from the environment.
enum Run {
    /// `LINEKEEPER_LONG=1`: more kills, stricter figures.
    static let isLong = ProcessInfo.processInfo.environment["LINEKEEPER_LONG"] == "1"
    /// Kills of the active gateway in a takeover test.
    static let kills = isLong ? 20 : 5
    /// `LINEKEEPER_SEED`: repeats a run; printed by each test.
    static let seed =
        ProcessInfo.processInfo.environment["LINEKEEPER_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 1...1_000_000)
}

/// Which server keeps the tree.
enum TreeKind: String, CaseIterable, CustomTestStringConvertible, Sendable {
    case served = "linekeeper tree serve"
    case apache = "Apache ZooKeeper"

    var testDescription: String { rawValue }
}
