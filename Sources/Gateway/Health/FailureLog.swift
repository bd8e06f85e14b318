import Logging
import Synchronization

/// Writes into the log what a ``LastingFailure`` reports, for one activity of one service.
final class FailureLog: Sendable {
    private let began: Logger.Message
    private let ended: Logger.Message
    private let clock: GatewayClock
    private let logger: Logger
    private let failure = Mutex(LastingFailure())

    /// - Parameters:
    ///   - began: what is said, at `warning`, when the failure has lasted for some seconds; its cause is in the metadata.
    ///   - ended: what is said when the activity works again.
    init(began: Logger.Message, ended: Logger.Message, clock: GatewayClock, logger: Logger) {
        self.began = began
        self.ended = ended
        self.clock = clock
        self.logger = logger
    }

    func failed(_ cause: @autoclosure () -> String) {
        let now = clock.now()
        write(failure.withLock { $0.failed(cause(), at: now) })
    }

    func succeeded() {
        let now = clock.now()
        write(failure.withLock { $0.succeeded(at: now) })
    }

    func withdrawn() { failure.withLock { $0.withdrawn() } }

    private func write(_ report: LastingFailure.Report?) {
        switch report {
        case nil: break
        case .began(let cause, let time): logger.warning(began, metadata: ["cause": "\(cause)", "for": "\(time)"])
        case .ended(let time): logger.notice(ended, metadata: ["after": "\(time)"])
        }
    }
}
