/// What renews the lease, and hence how far it reaches.
public enum LeaseRule: Hashable, Sendable {
    /// A single server, embedded or standalone: it expires a session no earlier than its timeout after it received our
    /// last packet, so each answered packet renews.
    case standalone
    /// An ensemble: followers answer pings and reads by themselves while the leader counts down, so only answers that
    /// needed the leader (writes and `sync`) renew, and the reach is shorter by what a follower may withhold.
    case ensemble
}

/// Until when the session can be relied on: a deadline computed from *send* times, never from arrival times.
///
/// A holder of an ephemeral node may act on it only before the deadline. The clock goes on counting while the machine
/// sleeps. Only the clocks' rates are assumed to be right; a process that is paused between check and act is caught by
/// fencing, not by this.
struct LeaseClock: Sendable {
    /// What an answered packet can prove.
    enum Evidence: Sendable {
        /// Any server answered.
        case answer
        /// The leader took part.
        case leader
    }

    let rule: LeaseRule
    let serverTick: Duration
    private(set) var deadline: Moment?
    private var sessionTimeout: Duration = .zero

    init(rule: LeaseRule, serverTick: Duration) {
        self.rule = rule
        self.serverTick = serverTick
    }

    /// How often a leader's word must be asked for so that the lease does not lapse.
    static func renewalInterval(_ sessionTimeout: Duration) -> Duration { sessionTimeout / 6 }

    /// A session was granted or taken up again. The caller tells of the evidence by ``renew(sentAt:gap:_:)``: for a new
    /// session the leader's, because it starts there; for one taken up again only that of an answer, because the word
    /// of a follower is not ordered behind the changes that the leader has made meanwhile, as the answer to a `sync`
    /// is.
    mutating func sessionGranted(timeout: Duration, isNew: Bool) {
        sessionTimeout = timeout
        if isNew { deadline = nil }
    }

    /// The session is over.
    mutating func sessionEnded() {
        deadline = nil
    }

    /// A packet was answered.
    ///
    /// - Parameters:
    ///   - sentAt: When it was handed to the socket.
    ///   - gap: The longest silence between our packets just before it.
    mutating func renew(sentAt: Moment, gap: Duration, _ evidence: Evidence) {
        let reach: Duration
        switch (rule, evidence) {
        case (.standalone, _):
            // The margin covers clocks of different rates and a check that is a moment old.
            reach = sessionTimeout - max(.milliseconds(10), sessionTimeout / 20)
        case (.ensemble, .leader):
            // The follower tells the leader of us every half tick; its last word may be older than our packet by our
            // own silence and that. A server grants no timeout below two ticks, so a tick is at most half of it.
            let silence = max(gap, Self.renewalInterval(sessionTimeout))
            reach = sessionTimeout - silence - min(serverTick, sessionTimeout / 2)
        case (.ensemble, .answer):
            return
        }
        let candidate = sentAt + reach
        if let deadline, deadline >= candidate { return }
        deadline = candidate
    }
}
