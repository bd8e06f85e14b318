import Glibc

/// Which broker of a client's list is tried next, and when.
///
/// A broker that works is never left. One that may be tried at once, and where a companion is connected, is tried first. Else
/// each broker has its own ``ReconnectSchedule``, and the one is tried that may be tried soonest; at the same time first the
/// companion's, then the first of the list.
///
/// - A broker that cannot be reached, refuses, or throws out at once waits for its own time; the others get their turn.
/// - A connection that has worked and is cut: all brokers may be tried again after the shortest wait, so that the first of
///   the list comes first.
/// - A connection that has worked and falls silent, or that the program gives up: the others are tried at once, first those
///   that have not been tried for longest, so that each gets its turn when they fall silent one after the other.
struct BrokerChoice {
    struct Attempt: Equatable {
        let broker: MQTTBroker
        /// nil: at once.
        let notBefore: ContinuousClock.Instant?
        /// Whether the broker is asked to forget the session that it may have kept; see
        /// ``BrokerChoice/accepted(_:sessionPresent:)``. With MQTT 3.1.1 it keeps none of that connection, either.
        let forgetsSession: Bool
    }

    private struct Candidate {
        let broker: MQTTBroker
        var schedule: ReconnectSchedule
        var notBefore: ContinuousClock.Instant?
        /// Whether it had accepted us and fell silent: then it comes after those of which that is true, too, and longer ago.
        var fellSilent = false
        /// Whether it keeps a session that has been continued elsewhere.
        var keepsOldSession = false
    }

    private let briefly: Duration
    /// Never empty.
    private var candidates: [Candidate]
    /// The broker that last accepted us.
    private var last: MQTTBroker?

    /// - Parameter first: the preferred one.
    init(_ first: MQTTBroker, _ alternatives: [MQTTBroker], _ backoff: MQTTBackoff) {
        briefly = backoff.briefly
        var seen: Set<MQTTBroker> = []
        candidates = ([first] + alternatives).filter { seen.insert($0).inserted }.map {
            Candidate(broker: $0, schedule: ReconnectSchedule(backoff))
        }
    }

    /// What to try next.
    ///
    /// - Parameters:
    ///   - companion: The broker where a client is connected that this one should meet.
    ///   - now: nil: no wait is over.
    func next(beside companion: MQTTBroker? = nil, now: ContinuousClock.Instant? = nil) -> Attempt {
        func comesBefore(_ one: Candidate, _ other: Candidate) -> Bool {
            guard one.notBefore == other.notBefore else {
                guard let mine = one.notBefore else { return true }
                guard let theirs = other.notBefore else { return false }
                return mine < theirs
            }
            return one.broker == companion && other.broker != companion
        }
        func mayBeTried(_ candidate: Candidate) -> Bool {
            guard let notBefore = candidate.notBefore else { return true }
            return now.map { notBefore <= $0 } ?? false
        }
        var best = candidates[0]
        for candidate in candidates.dropFirst() where comesBefore(candidate, best) { best = candidate }
        if let met = candidates.first(where: { $0.broker == companion }), mayBeTried(met) { best = met }
        return Attempt(broker: best.broker, notBefore: best.notBefore, forgetsSession: best.keepsOldSession)
    }

    /// A broker has accepted us.
    ///
    /// When it does not know the session that the last broker kept, the two share no sessions: what the other brokers keep
    /// for this client from now on is heard here, and would be heard a second time, as old as it is then, on the way back.
    mutating func accepted(_ broker: MQTTBroker, sessionPresent: Bool) {
        let isUnshared = !sessionPresent && last != nil && last != broker
        last = broker
        for index in candidates.indices {
            if candidates[index].broker == broker {
                candidates[index].keepsOldSession = false
            } else if isUnshared {
                candidates[index].keepsOldSession = true
            }
        }
    }

    /// An attempt at `broker`, or the connection that came of it, has ended.
    ///
    /// - Parameters:
    ///   - connectedFor: How long the broker had accepted us; nil: never.
    ///   - random: 0..<1; comes in so that a test can say it.
    mutating func ended(
        _ broker: MQTTBroker, _ reason: MQTTDisconnection, connectedFor: Duration?, random: Double,
        now: ContinuousClock.Instant
    ) {
        guard let index = candidates.firstIndex(where: { $0.broker == broker }) else { return }
        var next = now + candidates[index].schedule.delay(after: reason, connectedFor: connectedFor, random: random)
        candidates[index].fellSilent = connectedFor != nil && reason.isSilence
        // Chance spreads the waits; it does not let one overtake another.
        if candidates[index].fellSilent {
            let soon = next + candidates[index].schedule.backoff.initial
            let others = candidates.filter { $0.fellSilent && $0.broker != broker }.compactMap(\.notBefore)
            if let latest = others.filter({ $0 <= soon }).max() { next = max(next, latest + .nanoseconds(1)) }
        }
        candidates[index].notBefore = next
        guard let connectedFor, connectedFor >= briefly else { return }
        // It had worked, so nothing of the outages before it counts but what a broker has refused a moment ago.
        for other in candidates.indices where other != index {
            candidates[other].schedule.startOver()
            // What is over says only which was tried last.
            guard reason.mayPassAtOnce else { continue }
            candidates[other].notBefore = max(candidates[other].notBefore ?? next, next)
        }
    }

    /// Somebody wants the connection now: waits begin with the shortest one.
    mutating func startOver() {
        for index in candidates.indices { candidates[index].schedule.startOver() }
    }

    /// No connection was wanted for a while: the next attempt is at the first broker, and at once.
    mutating func forgetWaits() {
        for index in candidates.indices { candidates[index].notBefore = nil }
    }
}

extension MQTTDisconnection {
    /// Whether a broker that had worked may be expected to accept again at once: it was cut off, or said goodbye. Not when
    /// it, or its machine, had fallen silent.
    fileprivate var mayPassAtOnce: Bool {
        switch self {
        case .network: !isSilence
        case .closedByBroker: !needsAttention
        case .notStarted, .stopped, .suspended: true
        case .givenUp, .refused, .timedOut, .tls, .protocolError: false
        }
    }

    /// Whether a broker, or its machine, does not answer any more.
    fileprivate var isSilence: Bool {
        switch self {
        case .network(let code, _): [ETIMEDOUT, EHOSTUNREACH, ENETUNREACH].contains(code)
        case .givenUp, .timedOut: true
        case .closedByBroker, .notStarted, .stopped, .suspended, .refused, .tls, .protocolError: false
        }
    }
}
