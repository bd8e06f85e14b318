/// What renews the lease, and hence how far it reaches.
public enum LeaseRule: Hashable, Sendable {
    /// A single server, embedded or standalone: it expires a session no earlier than its timeout after it received our
    /// last packet, so each answered packet renews.
    case standalone
    /// An ensemble: followers answer pings and reads by themselves while the leader counts down from what they last told
    /// it, once a tick at least. So only answers that needed the leader (writes and `sync`) renew, and they count from
    /// the newest packet that had been *answered* a tick before they were asked for: that one the leader has been told
    /// of.
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
        /// The leader took part, and had been told of the packet sent then (``ContactHistory``).
        case leader(reported: Moment)
    }

    let rule: LeaseRule
    private(set) var deadline: Moment?
    private var sessionTimeout: Duration = .zero

    init(rule: LeaseRule) {
        self.rule = rule
    }

    /// How often a leader's word must be asked for so that the lease does not lapse.
    static func renewalInterval(_ sessionTimeout: Duration) -> Duration { sessionTimeout / 6 }

    /// A session was granted or taken up again. The caller tells of the evidence by ``renew(sentAt:_:)``: for a new
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
    /// - Parameter sentAt: When it was handed to the socket.
    mutating func renew(sentAt: Moment, _ evidence: Evidence) {
        let heardOf: Moment
        switch (rule, evidence) {
        case (.standalone, _): heardOf = sentAt
        case (.ensemble, .leader(let reported)): heardOf = min(reported, sentAt)
        case (.ensemble, .answer): return
        }
        // The margin covers clocks of different rates and a check that is a moment old.
        let candidate = heardOf + sessionTimeout - max(.milliseconds(10), sessionTimeout / 20)
        if let deadline, deadline >= candidate { return }
        deadline = candidate
    }
}
