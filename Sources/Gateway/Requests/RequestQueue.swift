import DequeModule
import OrderedCollections
import Plant

/// Requests over MQTT that wait to be written into the tree, those on their way there, and how often each requester may ask.
///
/// Requesters take turns, and one that asks too often uses up its own share, not the others'. Names are the requesters' own,
/// as far as the broker does not guard them: those beyond ``Limits/requesters`` in a minute share one allowance.
struct RequestQueue: Sendable {
    struct Limits: Sendable, Hashable {
        /// Requests that wait; more are dropped.
        var waiting = 1_000
        /// Of one requester.
        var waitingPerRequester = 200
        /// Requests on their way to the tree at a time, each for as long as it is tried.
        var underway = 256
        /// Of one requester: fewer than may be open in the tree (``RequestDesk/openLimit``).
        var underwayPerRequester = 32
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

    /// A request whose turn has come.
    struct Turn: Sendable {
        let message: RequestMessage
        /// For ``RequestQueue/finished(_:)``.
        let requester: String
    }

    let limits: Limits
    /// Whose turn is next comes first.
    private var waiting: OrderedDictionary<String, Deque<RequestMessage>> = [:]
    private(set) var count = 0
    private(set) var underway = 0
    private var underwayOf: [String: Int] = [:]
    /// Requests of this minute.
    private var asked: [String: Int] = [:]
    private var minute: Milliseconds = .min

    init(limits: Limits = Limits()) { self.limits = limits }

    /// - Parameter now: by the monotonic clock.
    mutating func offer(_ message: RequestMessage, by requester: String, at now: Milliseconds) -> Verdict {
        let current = now / 60_000
        if current != minute {
            minute = current
            asked = [:]
        }
        let requester = asked[requester] == nil && asked.count >= limits.requesters ? "" : requester
        guard asked[requester, default: 0] < limits.perMinute,
            (waiting[requester]?.count ?? 0) < limits.waitingPerRequester
        else { return .tooMany }
        guard count < limits.waiting else { return .full }
        asked[requester, default: 0] += 1
        waiting[requester, default: []].append(message)
        count += 1
        return .taken
    }

    /// The next request to be written, if one may begin; ``finished(_:)`` when it is over.
    mutating func next() -> Turn? {
        guard underway < limits.underway else { return nil }
        let ready = waiting.keys.first { underwayOf[$0, default: 0] < limits.underwayPerRequester }
        guard let requester = ready, var messages = waiting.removeValue(forKey: requester),
            let message = messages.popFirst()
        else { return nil }
        // Behind the others.
        if !messages.isEmpty { waiting[requester] = messages }
        count -= 1
        underway += 1
        underwayOf[requester, default: 0] += 1
        return Turn(message: message, requester: requester)
    }

    mutating func finished(_ turn: Turn) {
        underway -= 1
        guard let count = underwayOf[turn.requester] else { return }
        underwayOf[turn.requester] = count > 1 ? count - 1 : nil
    }
}
