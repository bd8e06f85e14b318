import Synchronization

/// A value and everyone who wants to hear of its changes. The newest value always arrives; a listener that is slower than
/// sixteen changes misses the oldest of them.
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
        let listener = state.withLock { state -> Int in
            // Yielding under the lock keeps the order; a stream's buffer takes it without running anybody's code.
            continuation.yield(state.value)
            let listener = state.nextListener
            state.nextListener += 1
            if !state.finished { state.listeners[listener] = continuation }
            return listener
        }
        if state.withLock({ $0.finished }) { continuation.finish() }
        continuation.onTermination = { [weak self] _ in
            // Not under the lock: the removed continuation may be the last reference to its stream.
            _ = self?.state.withLock { $0.listeners.removeValue(forKey: listener) }
        }
        return stream
    }

    func set(_ value: Value) {
        state.withLock { state in
            guard state.value != value else { return }
            state.value = value
            for listener in state.listeners.values { listener.yield(value) }
        }
    }

    func update(_ change: (inout Value) -> Void) {
        state.withLock { state in
            let before = state.value
            change(&state.value)
            guard state.value != before else { return }
            for listener in state.listeners.values { listener.yield(state.value) }
        }
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
