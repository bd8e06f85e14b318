import DequeModule
import Synchronization

/// A value that tasks can follow: each follower gets the current value first and then every change, in order; the oldest
/// ones are dropped for a follower that lags behind the bound.
///
/// Nothing is yielded while the lock is held. A yield resumes a task, for which the runtime may have to wait until that
/// task's cancellation handlers are through, and one of those (the end of a stream) takes this lock.
package final class StateBroadcast<Value: Sendable>: Sendable {
    private typealias Continuation = AsyncStream<Value>.Continuation

    private enum Delivery {
        case value(Value, to: [Continuation], [@Sendable (Value) -> Void])
        case end([Continuation])
    }

    private struct State {
        var value: Value
        var followers: [UInt64: Continuation] = [:]
        var observers: [UInt64: @Sendable (Value) -> Void] = [:]
        var nextFollower: UInt64 = 0
        var isFinished = false
        var deliveries: Deque<Delivery> = []
        /// Somebody is delivering; others leave theirs to them, which keeps the order.
        var isDelivering = false
    }

    private let state: Mutex<State>
    private let bound: Int

    package init(_ value: Value, bound: Int) {
        state = Mutex(State(value: value))
        self.bound = bound
    }

    package var value: Value { state.withLock { $0.value } }

    /// Sets the value and tells the followers. `transient` tells without setting.
    package func send(_ value: Value, transient: Bool = false) {
        state.withLock { state in
            if !transient { state.value = value }
            guard !state.followers.isEmpty || !state.observers.isEmpty else { return }
            state.deliveries.append(
                .value(value, to: Array(state.followers.values), Array(state.observers.values)))
        }
        deliver()
    }

    /// Ends all streams.
    package func finish() {
        state.withLock { state in
            state.isFinished = true
            state.deliveries.append(.end(Array(state.followers.values)))
            state.followers.removeAll()
        }
        deliver()
    }

    private func deliver() {
        var isFirst = true
        while true {
            let next: Delivery? = state.withLock { state in
                if isFirst, state.isDelivering { return nil }
                let next = state.deliveries.popFirst()
                state.isDelivering = next != nil
                return next
            }
            isFirst = false
            switch next {
            case .value(let value, let followers, let observers)?:
                for follower in followers { follower.yield(value) }
                for observer in observers { observer(value) }
            case .end(let followers)?: for follower in followers { follower.finish() }
            case nil: return
            }
        }
    }

    /// Has `action` called with each change from now on, on the thread that causes it: it must be brief. Cheaper than a
    /// stream for who only wants to be told once.
    ///
    /// - Returns: What ``forget(_:)`` takes.
    package func observe(_ action: @escaping @Sendable (Value) -> Void) -> UInt64 {
        state.withLock { state in
            state.nextFollower &+= 1
            state.observers[state.nextFollower] = action
            return state.nextFollower
        }
    }

    /// An action is not called any more, but for a change that happens at this moment.
    package func forget(_ observer: UInt64) {
        let gone = state.withLock { $0.observers.removeValue(forKey: observer) }
        // Released here and not under the lock.
        _ = gone
    }

    /// - Parameter startsWith: Whether a follower wants the current value.
    package func updates(startsWith isWanted: (Value) -> Bool = { _ in true }) -> AsyncStream<Value> {
        let (stream, continuation) = AsyncStream.makeStream(of: Value.self, bufferingPolicy: .bufferingNewest(bound))
        let id: UInt64? = state.withLock { state in
            // Nobody can be waiting for a stream that nobody has yet: this yield resumes no task.
            if isWanted(state.value) { continuation.yield(state.value) }
            if state.isFinished { return nil }
            state.nextFollower &+= 1
            state.followers[state.nextFollower] = continuation
            return state.nextFollower
        }
        guard let id else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            let gone = self?.state.withLock { $0.followers.removeValue(forKey: id) }
            // Released here and not under the lock.
            _ = gone
        }
        return stream
    }
}
