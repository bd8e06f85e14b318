public import JSON
public import OrderedCollections

/// One alarm as it stands: the data of `/alarms/<tag path>/@<alarm name>`, and the retained message of its topic.
///
/// Only the active alarm processor writes it, one transition at a time; see `AlarmTransition` for what each one
/// changes.
public struct AlarmRecord: Sendable, Hashable {
    public var path: AlarmPath
    /// Where the alarm stands; the record's `state`, `condition`, `shelvedUntil` and `suppressedBy` follow from it.
    public var lifeCycle: AlarmLifeCycle
    /// Of the limit that the condition names; after the return, of the last one.
    public var priority: AlarmPriority
    /// Names the occurrence; see `AlarmIdentity`.
    public var eventID: String
    /// Counts the occurrences of this alarm from 1.
    public var occurrence: Int64
    /// Of the sample that began the last edge of the condition.
    public var value: Double?
    /// That the condition names; after the return, the last one.
    public var limit: Double?
    /// When the occurrence became active: the activating sample's time plus the on-delay.
    public var since: Milliseconds
    public var acknowledgedBy: Principal?
    public var acknowledgedAt: Milliseconds?
    public var comment: String?
    /// czxid of the election node under which the record was written.
    public var epoch: Int64
    /// Time of the last edge of the condition (ACT, ESC, DEESC, RTN). Strictly increasing over the life of an alarm, except
    /// after an edge that was dated by a clock that was ahead.
    public var changedAt: Milliseconds
    /// Time of the sample that began the last edge: no sample up to here can change the alarm any more.
    public var sampledAt: Milliseconds
    /// Whether the last edge was decided by the clock alone, because the gateway could not hear the broker: the value
    /// may have returned meanwhile.
    public var isUnheard = false
    /// Whether the last edge was decided by a sample whose own time contradicts its device's clock, and nothing had shown
    /// yet which of them is right.
    public var isTimeUnsure = false
    /// Counts the transitions of this alarm from 1, so that of two copies the later one is known. Revisions are the order of
    /// what happened to an alarm; its dates are not, where a gateway's clock was wrong.
    public var revision: Int64
    /// What those dates should have been that a gateway's clock gave while it was wrong. The dates themselves never change.
    public var corrected = CorrectedDates()
    /// Members that we do not know, kept as they are.
    public var additional: OrderedDictionary<String, JSONValue>

    public init(
        path: AlarmPath, lifeCycle: AlarmLifeCycle, priority: AlarmPriority, eventID: String,
        occurrence: Int64, value: Double?, limit: Double?, since: Milliseconds, epoch: Int64, changedAt: Milliseconds,
        sampledAt: Milliseconds, revision: Int64
    ) {
        self.path = path
        self.lifeCycle = lifeCycle
        self.priority = priority
        self.eventID = eventID
        self.occurrence = occurrence
        self.value = value
        self.limit = limit
        self.since = since
        self.epoch = epoch
        self.changedAt = changedAt
        self.sampledAt = sampledAt
        self.revision = revision
        additional = [:]
    }
}

extension AlarmRecord {
    public var state: AlarmState { lifeCycle.state }
    public var condition: AlarmCondition { lifeCycle.condition }
}
