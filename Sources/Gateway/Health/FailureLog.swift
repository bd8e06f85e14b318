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
        if board.isExplained(activity) { return withdrawn() }
        let now = board.now
        let (report, isReported) = failure.withLock { failure in
            (failure.failed(cause(), at: now), failure.isReported)
        }
        if case .began(let cause, let time)? = report {
            board.began(activity, began, cause: cause, after: time)
        } else if isReported {
            board.goesOn(activity, cause: cause())
        }
    }

    /// An attempt has succeeded.
    func succeeded() {
        let now = board.now
        guard case .ended(let time)? = failure.withLock({ $0.succeeded(at: now) }) else { return }
        board.ended(activity, ended, after: time)
    }

    /// It is not this gateway's duty any more.
    func withdrawn() {
        let wasReported = failure.withLock { failure in
            defer { failure.withdrawn() }
            return failure.isReported
        }
        if wasReported { board.withdrawn(activity) }
    }
}
