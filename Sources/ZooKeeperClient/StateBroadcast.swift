import Synchronization

/// A value that tasks can follow: each follower gets the current value first and then every change, in order; the
/// oldest ones are dropped for a follower that lags behind the bound.
package final class StateBroadcast<Value: Sendable>: Sendable {
    private struct State {
        var value: Value
        var followers: [UInt64: AsyncStream<Value>.Continuation] = [:]
        var nextFollower: UInt64 = 0
        var isFinished = false
    }

    private let state: Mutex<State>
    private let bound: Int

    package init(_ value: Value, bound: Int) {
        state = Mutex(State(value: value))
        self.bound = bound
    }

    package var value: Value { state.withLock { $0.value } }

    /// Sets the value and tells the followers. `transient` tells without setting.
    ///
    /// Yields under the lock, so that all followers see one order; a yield runs nobody's code, it only schedules.
    package func send(_ value: Value, transient: Bool = false) {
        state.withLock { state in
            if !transient { state.value = value }
            for follower in state.followers.values { follower.yield(value) }
        }
    }

    /// Ends all streams.
    package func finish() {
        let followers = state.withLock { state in
            state.isFinished = true
            defer { state.followers.removeAll() }
            return Array(state.followers.values)
        }
        for follower in followers { follower.finish() }
    }

    /// - Parameter startsWith: Whether a follower wants the current value.
    package func updates(startsWith isWanted: (Value) -> Bool = { _ in true }) -> AsyncStream<Value> {
        let (stream, continuation) = AsyncStream.makeStream(of: Value.self, bufferingPolicy: .bufferingNewest(bound))
        let id: UInt64? = state.withLock { state in
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
            self?.state.withLock { _ = $0.followers.removeValue(forKey: id) }
        }
        return stream
    }
}
