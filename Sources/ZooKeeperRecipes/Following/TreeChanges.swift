import DequeModule
import Synchronization

/// The changes of a ``TreeCache`` for one follower, in order. Bounded: a follower that is too slow finds a snapshot in
/// place of what it missed.
public final class TreeChanges: AsyncSequence, Sendable {
    public typealias Element = TreeChange

    private struct State {
        var waiting: Deque<TreeChange> = []
        var isFinished = false
    }

    private let state = Mutex(State())
    private let limit: Int
    /// Wakes the follower; the changes themselves wait in the state.
    private let signal: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    init(limit: Int) {
        self.limit = Swift.max(2, limit)
        (signal, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Adds changes, after which everything stands as in `snapshot`. The follower is woken by ``notify()`` only, so that
    /// the cache can do this under its lock.
    func append(_ changes: [TreeChange], _ snapshot: TreeSnapshot) {
        state.withLock { state in
            guard !state.isFinished else { return }
            if state.waiting.count + changes.count > limit {
                state.waiting = [.snapshot(snapshot)]
            } else {
                state.waiting.append(contentsOf: changes)
            }
        }
    }

    func notify() { wake.yield() }

    func finish() {
        state.withLock { $0.isFinished = true }
        wake.finish()
    }

    private enum Next {
        case change(TreeChange)
        case wait
        case end
    }

    private func take() -> Next {
        state.withLock { state in
            if let change = state.waiting.popFirst() { return .change(change) }
            return state.isFinished ? .end : .wait
        }
    }

    /// For one consumer.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let changes: TreeChanges
        var signal: AsyncStream<Void>.Iterator

        /// The next change; nil when the cache has ended or the task is cancelled.
        public mutating func next() async -> TreeChange? {
            while true {
                switch changes.take() {
                case .change(let change): return change
                case .end: return nil
                case .wait: if await signal.next() == nil, case .wait = changes.take() { return nil }
                }
            }
        }
    }

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(changes: self, signal: signal.makeAsyncIterator())
    }
}
