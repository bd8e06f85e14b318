import NIOCore
import Synchronization
import ZooKeeperProtocol

/// The requests that callers have handed in and the event loop has not taken over yet.
///
/// Apart from the session machine and under a lock of its own, which is held for a moment only: a caller must not wait
/// while the machine works through a thousand answers, nor the machine for callers.
final class Submissions: Sendable {
    /// How the machine stood when it last worked; what a caller is judged by.
    struct Standing: Sendable, Hashable {
        var requests = 0
        var bytes = 0
        /// Whether what is handed in can be written at once.
        var takesRequests = false
        /// Whether somebody comes for what is handed in without being woken.
        var isPaused = false
        var isClosed = false
        /// What callers are told then.
        var endCode = ErrorCode.clientClosed
        var endMessage = ""
    }

    enum Urgency {
        case now
        /// Likely to be followed by another one at once: it leaves with that, or alone after a moment.
        case soon
        /// Sure to be followed by another one at once.
        case withNext
    }

    enum Outcome {
        case refused(ZooKeeperError)
        /// The event loop is to be woken.
        case wakes
        /// The event loop is to be woken, and to look at ``lingering(isOver:)`` until there is company or time is up.
        case wakesSoon
        case queued
    }

    private struct State {
        var standing = Standing()
        var calls: [PendingCall] = []
        var bytes = 0
        var isWakeUnderWay = false
        /// Whether the event loop waits for company for what is not urgent.
        var isLingering = false
    }

    private let maximumRequests: Int
    private let maximumBytes: Int
    private let state = Mutex(State())

    init(maximumRequests: Int, maximumBytes: Int) {
        self.maximumRequests = maximumRequests
        self.maximumBytes = maximumBytes
    }

    /// Hands a request in; from any thread.
    func add(_ call: PendingCall, _ urgency: Urgency = .now) -> Outcome {
        let bytes = call.frame.readableBytes
        return state.withLock { state in
            guard !state.standing.isClosed else {
                return .refused(call.error(state.standing.endCode, state.standing.endMessage))
            }
            guard state.standing.requests + state.calls.count < maximumRequests else {
                return .refused(call.error(.tooManyRequests, "\(maximumRequests) requests are waiting already"))
            }
            guard state.standing.bytes + state.bytes + bytes <= maximumBytes else {
                return .refused(call.error(.tooManyRequests, "\(maximumBytes) bytes of requests are waiting already"))
            }
            state.calls.append(call)
            state.bytes += bytes
            guard state.standing.takesRequests, !state.standing.isPaused, !state.isWakeUnderWay else { return .queued }
            switch urgency {
            case .withNext: return .queued
            case .soon:
                guard !state.isLingering else { return .queued }
                state.isLingering = true
                return .wakesSoon
            case .now:
                state.isWakeUnderWay = true
                return .wakes
            }
        }
    }

    enum Lingering {
        case goesOn
        /// Something urgent has come, and takes the rest with it, or has done so.
        case hasCompany
        /// What there is has to leave now.
        case isOver
    }

    /// Whether the event loop goes on waiting for company for what is not urgent. To be asked until it does not.
    func lingering(isOver: Bool) -> Lingering {
        state.withLock { state in
            guard state.isLingering else { return .hasCompany }
            guard isOver || state.isWakeUnderWay else { return .goesOn }
            state.isLingering = false
            return state.isWakeUnderWay ? .hasCompany : .isOver
        }
    }

    /// Takes over what was handed in.
    ///
    /// - Parameter forWriting: Whether it is written before anybody else can take: then nothing lingers any more.
    func take(forWriting: Bool = false) -> [PendingCall] {
        state.withLock { state in
            state.isWakeUnderWay = false
            if forWriting { state.isLingering = false }
            guard !state.calls.isEmpty else { return [] }
            let calls = state.calls
            state.calls = []
            // About as many will come until the next time.
            state.calls.reserveCapacity(min(calls.count, 1024))
            state.bytes = 0
            return calls
        }
    }

    /// Tells how the machine stands now.
    ///
    /// - Returns: Whether something was handed in meanwhile that nobody would come for.
    func update(_ standing: Standing) -> Bool {
        state.withLock { state in
            state.standing = standing
            guard !state.calls.isEmpty, !state.isWakeUnderWay, !standing.isPaused else { return false }
            return standing.takesRequests || standing.isClosed
        }
    }
}
