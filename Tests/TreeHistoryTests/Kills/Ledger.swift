import Synchronization

/// What the writers know of what the server must hold, and what they found wrong.
final class Ledger: Sendable {
    /// A row of numbers that one writer writes, each greater than the last.
    struct Progress: Sendable {
        /// The greatest that was begun, whether or not it was answered.
        var started = 0
        /// The greatest that is known to be in the tree: acknowledged, or seen by somebody.
        var durable = 0
    }

    private struct State {
        var progress: [String: Progress] = [:]
        var acknowledged: [String: Int] = [:]
        var newestZxid: Int64 = 0
        var findings: [String] = []
        var isStopping = false
    }

    private let state = Mutex(State())

    func progress(_ row: String) -> Progress { state.withLock { $0.progress[row] ?? Progress() } }

    func started(_ row: String, _ number: Int) {
        state.withLock { $0.progress[row, default: Progress()].started = number }
    }

    /// Acknowledged, or seen by somebody; either way it must never be gone again.
    func durable(_ row: String, _ number: Int) {
        state.withLock { state in
            let known = state.progress[row]?.durable ?? 0
            state.progress[row, default: Progress()].durable = max(known, number)
        }
    }

    /// How many requests of each writer were answered.
    var acknowledged: [String: Int] { state.withLock { $0.acknowledged } }
    func acknowledged(by writer: String) { state.withLock { $0.acknowledged[writer, default: 0] += 1 } }

    /// The newest zxid that any answer has shown; one of a write that begins now must exceed it.
    var newestZxid: Int64 { state.withLock { $0.newestZxid } }

    func answered(zxid: Int64, writtenAfter earlier: Int64, by writer: String) {
        state.withLock { state in
            if zxid <= earlier { state.findings.append("\(writer): zxid \(zxid) after \(earlier) had been seen") }
            state.newestZxid = max(state.newestZxid, zxid)
        }
    }

    var findings: [String] { state.withLock { $0.findings } }
    func found(_ finding: String) { state.withLock { $0.findings.append(finding) } }

    var isStopping: Bool { state.withLock { $0.isStopping } }
    func stop() { state.withLock { $0.isStopping = true } }
}
