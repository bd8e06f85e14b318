/// What happened to an alarm; the raw value is the word under `"transition"` in journal entries and alarm events.
public enum AlarmTransition: String, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    /// A new occurrence: normal, or the other side's limit, to beyond a limit. To `UNACK`, `occurrence` + 1, new
    /// `eventId`.
    case activated = "ACT"
    /// Beyond the outer limit of the side as well. To `UNACK`: an acknowledgement of the lesser condition is void.
    case escalated = "ESC"
    /// Back behind the outer limit, still beyond the inner one. The state stays.
    case deescalated = "DEESC"
    /// Behind every limit. `UNACK` to `RTNUN`, `ACKED` to `NORM`.
    case returned = "RTN"
    /// An operator has seen it. `UNACK` to `ACKED`, `RTNUN` to `NORM`.
    case acknowledged = "ACK"
    /// An operator has reset the latch. `LTUNK` to `RTNUN`, `LTACK` to `NORM`.
    case reset = "RESET"
    /// Acknowledged, and it has stayed for too long. `ACKED` to `UNACK`.
    case reAlarmed = "REALARM"
    /// An operator has put it aside for a time. To `SHLVD`.
    case shelved = "SHELVED"
    /// It is not on the shelf any more.
    case unshelved = "UNSHELVED"
    /// A rule of the plant suppresses it. To `DSUPR`.
    case suppressed = "SUPPRESSED"
    /// No rule suppresses it any more.
    case unsuppressed = "UNSUPPRESSED"
    /// To `OOSRV`.
    case outOfService = "OUTOFSERVICE"
    /// Back in service.
    case inService = "INSERVICE"
    /// The configuration has put it out of use: it is not evaluated.
    case disabled = "DISABLED"
    /// The configuration has put it into use.
    case enabled = "ENABLED"
    /// An operator had it removed, with its record. What comes after it begins with a new record.
    case forgotten = "FORGOTTEN"

    public var description: String { rawValue }
}

/// Names one transition wherever it was computed: two with the same key are the same.
public struct TransitionKey: Sendable, Hashable, CustomStringConvertible {
    public let path: AlarmPath
    public let eventID: String
    public let transition: AlarmTransition
    /// `AlarmRecord.changedAt`, or `acknowledgedAt` for an acknowledgement.
    public let at: Milliseconds

    public init(path: AlarmPath, eventID: String, transition: AlarmTransition, at: Milliseconds) {
        self.path = path
        self.eventID = eventID
        self.transition = transition
        self.at = at
    }

    public var description: String { "\(path) \(transition) \(eventID) at \(at)" }
}

/// A transition that the active alarm processor should record and announce.
public struct ProposedTransition: Sendable, Hashable {
    public let transition: AlarmTransition
    /// The alarm after it, epoch included.
    public let record: AlarmRecord
    /// The revision that the alarm has in the tree before it; 0 when it has no node yet.
    public var previousRevision: Int64 { record.revision &- 1 }
    /// The time of the edge or of the acknowledgement: `"at"` in the journal and on MQTT.
    public let at: Milliseconds
    /// How this gateway's clock dated it; nil where the sample had a time of its own, and for what was read from the
    /// journal, which does not say it: so it does not make two transitions different.
    public var dating: Dating?

    /// A date that a gateway's clock gave.
    public struct Dating: Sendable, Hashable {
        /// What the clock showed. The record's date may be later: no edge is dated before the one that it follows.
        public var shown: Milliseconds
        /// The number of the leap by which the clock was away then; nil when it was not.
        public var away: Int?
    }

    init(transition: AlarmTransition, record: AlarmRecord, at: Milliseconds, dating: Dating? = nil) {
        self.transition = transition
        self.record = record
        self.at = at
        self.dating = dating
    }

    public static func == (left: Self, right: Self) -> Bool {
        left.transition == right.transition && left.record == right.record && left.at == right.at
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(transition)
        hasher.combine(record)
        hasher.combine(at)
    }

    public var path: AlarmPath { record.path }
    public var tag: TagPath { record.path.tag }
    public var key: TransitionKey {
        TransitionKey(path: record.path, eventID: record.eventID, transition: transition, at: at)
    }
}

/// Why an alarm was not acknowledged.
public enum AcknowledgementRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// No alarm of that name is configured for that tag, or it has never been active.
    case notFound
    case alreadyAcknowledged(by: Principal?, at: Milliseconds?)
    /// The occurrence that the operator named is not the present one, which is this: it may be over, or never have been.
    case notPresent(eventID: String, state: AlarmState)
    /// The alarm stands in a state that nobody acknowledges.
    case nothingToAcknowledge(AlarmState)

    public var description: String {
        switch self {
        case .notFound: "there is no such alarm, or it has never been active"
        case .alreadyAcknowledged(let by?, _): "already acknowledged by \(by)"
        case .alreadyAcknowledged(nil, _): "already acknowledged"
        case .notPresent(let eventID, let state):
            "that is not the present occurrence, which is \(eventID), \(state)"
        case .nothingToAcknowledge(let state): "nothing to acknowledge in state \(state)"
        }
    }
}
