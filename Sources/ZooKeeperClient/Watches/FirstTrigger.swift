import Synchronization

/// The first of several watches that ends, and the one task that waits for it.
final class FirstTrigger: Sendable {
    private enum State {
        case initialised
        case pending(CheckedContinuation<WatchTrigger, any Error>)
        case settled(Result<WatchTrigger, any Error>)
    }

    private let state = Mutex(State.initialised)

    /// Only the first call counts.
    func settle(_ result: Result<WatchTrigger, any Error>) {
        let continuation = state.withLock { state -> CheckedContinuation<WatchTrigger, any Error>? in
            switch state {
            case .initialised:
                state = .settled(result)
                return nil
            case .pending(let continuation):
                state = .settled(result)
                return continuation
            case .settled:
                return nil
            }
        }
        continuation?.resume(with: result)
    }

    /// Waits for the first. To be called once; cancellation ends the wait at once.
    func value() async throws -> WatchTrigger {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let settled = state.withLock { state -> Result<WatchTrigger, any Error>? in
                    if case .settled(let result) = state { return result }
                    state = .pending(continuation)
                    return nil
                }
                if let settled { continuation.resume(with: settled) }
            }
        } onCancel: {
            settle(.failure(CancellationError()))
        }
    }
}
