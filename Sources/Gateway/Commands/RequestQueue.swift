import DequeModule
import Plant

/// Requests that wait to be written into the tree, those on their way there, and how often each requester may ask.
///
/// A requester that asks too often uses up its own share, not the others'. Names are the requesters' own, as far as the
/// broker does not guard them: those beyond ``Limits/requesters`` in a minute share one allowance.
struct RequestQueue: Sendable {
    struct Limits: Sendable, Hashable {
        /// Requests that wait; more are dropped.
        var waiting = 1_000
        /// Of one requester.
        var waitingPerRequester = 200
        /// Requests on their way to the tree at a time, each for as long as it is tried.
        var underway = 64
        /// Of one requester, in a minute.
        var perMinute = 1_200
        /// Requesters with an allowance of their own.
        var requesters = 1_000
    }

    enum Verdict: Sendable, Hashable {
        case taken
        /// Too many wait already.
        case full
        /// This requester asks too often, or has too many waiting.
        case tooMany
    }

    private struct Waiting: Sendable {
        var request: CommandRequest
        var requester: String
    }

    let limits: Limits
    private var waiting: Deque<Waiting> = []
    private var waitingOf: [String: Int] = [:]
    private(set) var underway = 0
    /// Requests of this minute.
    private var asked: [String: Int] = [:]
    private var minute: Milliseconds = .min

    init(limits: Limits = Limits()) { self.limits = limits }

    var count: Int { waiting.count }

    /// - Parameter now: by the monotonic clock.
    mutating func offer(_ request: CommandRequest, by requester: String, at now: Milliseconds) -> Verdict {
        let current = now / 60_000
        if current != minute {
            minute = current
            asked = [:]
        }
        let requester = asked[requester] == nil && asked.count >= limits.requesters ? "" : requester
        guard asked[requester, default: 0] < limits.perMinute,
            waitingOf[requester, default: 0] < limits.waitingPerRequester
        else { return .tooMany }
        guard waiting.count < limits.waiting else { return .full }
        asked[requester, default: 0] += 1
        waitingOf[requester, default: 0] += 1
        waiting.append(Waiting(request: request, requester: requester))
        return .taken
    }

    /// The next request to be written, if one may begin; ``finished()`` when it is over.
    mutating func next() -> CommandRequest? {
        guard underway < limits.underway, let first = waiting.popFirst() else { return nil }
        if let count = waitingOf[first.requester] { waitingOf[first.requester] = count > 1 ? count - 1 : nil }
        underway += 1
        return first.request
    }

    mutating func finished() { underway -= 1 }
}
