import Synchronization

/// One activity of one service, as a ``FailureBoard`` sees it: whether its attempts have been failing for long.
final class FailureLog: Sendable {
    private let activity: FailureBoard.Activity
    private let began: String
    private let ended: String
    private let board: FailureBoard
    private let failure: Mutex<LastingFailure>

    /// Made by ``FailureBoard/log(_:began:ended:patience:)``.
    init(_ activity: FailureBoard.Activity, began: String, ended: String, patience: Duration, board: FailureBoard) {
        self.activity = activity
        self.began = began
        self.ended = ended
        self.board = board
        failure = Mutex(LastingFailure(patience: patience))
    }

    /// An attempt has failed.
    func failed(_ cause: @autoclosure () -> String) {
        if board.isExplained(activity) { return suspended() }
        let now = board.now
        // The board learns of it under the lock, so that it never keeps what another attempt has ended meanwhile.
        failure.withLock { failure in
            let wasReported = failure.isReported
            if case .began(let cause, let time)? = failure.failed(cause(), at: now) {
                board.began(activity, began, cause: cause, after: time)
            } else if wasReported {
                board.goesOn(activity, cause: cause())
            }
        }
    }

    /// An attempt has succeeded.
    func succeeded() {
        let now = board.now
        failure.withLock { failure in
            guard case .ended(let time)? = failure.succeeded(at: now) else { return }
            board.ended(activity, ended, after: time)
        }
    }

    /// It is not this gateway's duty any more, so nothing is wrong with it here: the gateway that has the duty reports
    /// on it. During an outage that explains it, it waits for the end of that: a lease that cannot be renewed is no
    /// duty given up, and a gateway that still has the duty afterwards tries again. When nothing is tried, the duty is
    /// gone.
    func withdrawn() {
        if board.isExplained(activity) {
            suspended()
            return failure.withLock { if $0.isReported { board.withdrawsLater(activity, self) } }
        }
        failure.withLock { failure in
            if failure.isReported { board.withdrawn(activity) }
            failure.withdrawn()
        }
    }

    /// An outage explains whatever happens now. What had failed before it may fail after it.
    private func suspended() { failure.withLock { if !$0.isReported { $0.withdrawn() } } }
}
