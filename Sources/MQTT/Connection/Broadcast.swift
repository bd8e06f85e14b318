import Synchronization

/// A value and everyone who wants to hear of its changes. The newest value always arrives; a listener that is slower than
/// sixteen changes misses the oldest of them.
///
/// One thread changes it; any task listens. Listeners are told after the lock is given back: telling one may need the
/// lock of the listening task, and whoever cancels that task holds it while `onTermination` waits for ours.
final class Broadcast<Value: Sendable & Equatable>: Sendable {
    private struct State {
        var value: Value
        var finished = false
        var nextListener = 0
        var listeners: [Int: AsyncStream<Value>.Continuation] = [:]
    }

    private let state: Mutex<State>

    init(_ value: Value) { state = Mutex(State(value: value)) }

    var value: Value { state.withLock { $0.value } }

    /// The current value first, then each change.
    func updates() -> AsyncStream<Value> {
        let (stream, continuation) = AsyncStream.makeStream(of: Value.self, bufferingPolicy: .bufferingNewest(16))
        let (listener, finished) = state.withLock { state -> (Int, Bool) in
            // Nobody waits on this stream yet, so this only fills its buffer.
            continuation.yield(state.value)
            let listener = state.nextListener
            state.nextListener += 1
            if !state.finished { state.listeners[listener] = continuation }
            return (listener, state.finished)
        }
        if finished { continuation.finish() }
        continuation.onTermination = { [weak self] _ in
            // Returned from the lock, so that what it releases is released outside.
            _ = self?.state.withLock { $0.listeners.removeValue(forKey: listener) }
        }
        return stream
    }

    /// Sets the value. Called by the one thread that changes it.
    func set(_ value: Value) { update { $0 = value } }

    /// Changes the value. Called by the one thread that changes it.
    func update(_ change: (inout Value) -> Void) {
        let (value, listeners) = state.withLock { state -> (Value, [AsyncStream<Value>.Continuation]) in
            let before = state.value
            change(&state.value)
            return (state.value, state.value == before ? [] : Array(state.listeners.values))
        }
        for listener in listeners { listener.yield(value) }
    }

    /// No further change comes: the streams end.
    func finish() {
        let listeners = state.withLock { state -> [AsyncStream<Value>.Continuation] in
            state.finished = true
            defer { state.listeners = [:] }
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.finish() }
    }
}
