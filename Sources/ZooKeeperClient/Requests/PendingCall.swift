import NIOCore
import Synchronization
import ZooKeeperProtocol

/// One request on its way, and the task that waits for its answer.
///
/// A slot of three states (initialised, pending, finished) settles the race between answer, deadline and cancellation:
/// the first one wins, the others find it finished. Guarded by its own lock, which is taken last and never held while a
/// continuation is resumed. `pending` is left once, by whoever resumes it, so the continuation need not check itself.
final class PendingCall: Sendable {
    /// The server's answer.
    struct Reply: Sendable {
        var zxid: Int64
        var error: ErrorCode
        var body: ByteBuffer
    }

    private enum Slot {
        case initialised
        case pending(UnsafeContinuation<Reply, any Error>)
        /// Nobody waits, but somebody wants to know.
        case observed(@Sendable (Result<Reply, any Error>) -> Void)
        /// Finished before anybody waited.
        case settled(Result<Reply, any Error>)
        case finished
    }

    let operation: OperationCode
    /// The path as the caller gave it, for errors.
    let path: String?
    /// The watch that the answer arms.
    let arming: WatchArming?
    /// The whole frame; the xid is filled in when it is written.
    let frame: ByteBuffer
    let deadline: Moment
    private let slot = Mutex(Slot.initialised)

    init(
        operation: OperationCode, path: String?, arming: WatchArming? = nil, deadline: Moment,
        frame: ByteBuffer
    ) {
        self.operation = operation
        self.path = path
        self.arming = arming
        self.deadline = deadline
        self.frame = frame
    }

    /// Whether somebody has settled it: answered, failed, timed out or cancelled.
    var isFinished: Bool {
        slot.withLock { slot in
            switch slot {
            case .initialised, .pending, .observed: false
            case .settled, .finished: true
            }
        }
    }

    /// Waits for the outcome. To be called once, and not beside ``whenSettled(_:)``. Cancellation ends the wait at once.
    func wait() async throws -> Reply {
        if let settled = takeSettled() { return try settled.get() }
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                let settled: Result<Reply, any Error>? = slot.withLock { slot in
                    switch slot {
                    case .initialised:
                        slot = .pending(continuation)
                        return nil
                    case .pending, .observed, .finished:
                        // A mistake of this module; nothing that comes from outside leads here.
                        preconditionFailure("somebody else waits for this call, or has waited")
                    case .settled(let result):
                        slot = .finished
                        return result
                    }
                }
                if let settled { continuation.resume(with: settled) }
            }
        } onCancel: {
            finish(.failure(CancellationError()))
        }
    }

    private func takeSettled() -> Result<Reply, any Error>? {
        slot.withLock { slot in
            guard case .settled(let result) = slot else { return nil }
            slot = .finished
            return result
        }
    }

    /// Has `action` called once with the outcome, on the thread that settles it: it must be brief.
    func whenSettled(_ action: @escaping @Sendable (Result<Reply, any Error>) -> Void) {
        let settled: Result<Reply, any Error>? = slot.withLock { slot in
            switch slot {
            case .initialised:
                slot = .observed(action)
                return nil
            case .settled(let result):
                slot = .finished
                return result
            case .pending, .observed, .finished:
                return nil
            }
        }
        if let settled { action(settled) }
    }

    /// Settles the outcome.
    ///
    /// - Returns: False when it had been settled before; the result is then dropped.
    @discardableResult
    func finish(_ result: Result<Reply, any Error>) -> Bool { settle(result) != .isTooLate }

    enum Settlement {
        /// A task goes on now.
        case hasWoken
        /// Nobody has waited yet, or has to be woken.
        case isNoted
        /// It had been settled before.
        case isTooLate
    }

    /// Settles the outcome, and says what came of it.
    func settle(_ result: Result<Reply, any Error>) -> Settlement {
        let earlier = slot.withLock { slot in
            let earlier = slot
            switch slot {
            case .initialised: slot = .settled(result)
            case .pending, .observed: slot = .finished
            case .settled, .finished: break
            }
            return earlier
        }
        switch earlier {
        case .initialised: return .isNoted
        case .pending(let continuation):
            continuation.resume(with: result)
            return .hasWoken
        case .observed(let action):
            action(result)
            return .isNoted
        case .settled, .finished: return .isTooLate
        }
    }

    /// The error `code` about this call.
    func error(_ code: ErrorCode, _ message: String = "") -> ZooKeeperError {
        ZooKeeperError(code: code, path: path, operation: operation, message: message)
    }
}
