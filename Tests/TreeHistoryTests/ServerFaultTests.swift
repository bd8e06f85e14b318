import Foundation
import Synchronization
import Testing

/// Stories with the real server as a process of its own that is harmed. One after the other.
@Suite(.serialized) struct ServerFaultTests {}

/// What decides the random choices of a story, and how long it is.
enum TestSeed {
    /// `LINEKEEPER_SEED`, or a new one; printed. It repeats the choices, not the course of time.
    static func value(for story: String) -> UInt64 {
        let given = ProcessInfo.processInfo.environment["LINEKEEPER_SEED"].flatMap { UInt64($0) }
        let seed = given ?? UInt64.random(in: 1...99_999)
        print("\(story): LINEKEEPER_SEED=\(seed)")
        return seed
    }

    /// `LINEKEEPER_LONG=1`: ten times as much.
    static var isLong: Bool { ProcessInfo.processInfo.environment["LINEKEEPER_LONG"] == "1" }
}

/// Something that becomes true once.
final class Flag: Sendable {
    private let state = Mutex(false)
    var isSet: Bool { state.withLock { $0 } }
    func set() { state.withLock { $0 = true } }
}
