import Foundation
import Glibc

/// How many inputs a fuzz test plays, and whether playing them leaves something behind.
///
/// What the process has in memory tells that only where nothing else runs in it: run one suite at a time, with `--filter`.
package struct LongRun {
    /// `LINEKEEPER_LONG=1`: as many inputs as a claim needs.
    package static let isLong = ProcessInfo.processInfo.environment["LINEKEEPER_LONG"] == "1"

    /// So many bytes of growth are none: an allocator keeps some of what is given back to it.
    private static let tolerance = 32 << 20

    package let inputs: Int
    /// In memory after the first half, which has met everything that the second half meets.
    private var settled: Int?

    /// Ten million inputs in a long run, else `usual`, so many of which belong to this test.
    package init(usual: Int, share: Double = 1) {
        inputs = Int(Double(Self.isLong ? 10_000_000 : usual) * share)
    }

    /// An input is about to be played.
    package mutating func willPlay(_ number: Int) {
        if number == inputs / 2 { settled = Self.residentBytes }
    }

    /// Whether the process has more in memory than after half of the inputs, all of which have been played. A short run is no
    /// proof of either.
    package var hasGrown: Bool {
        guard Self.isLong, let settled else { return false }
        return Self.residentBytes - settled >= Self.tolerance
    }

    /// What the process has in memory.
    private static var residentBytes: Int {
        let fields = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ")
        return (fields?.dropFirst().first.flatMap { Int($0) } ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
