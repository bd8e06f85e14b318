public import JSON
public import OrderedCollections

/// One entry of the audit journal: the data of `/journal/entry-<seq>`, created in the transaction of the change that it
/// records.
///
///     {"kind":"alarm","at":…,"gateway":…,"epoch":…,"by":…,"transition":"ACT","announced":false,
///      "deliveries":{"mqtt":{"state":"owed"}},"record":{the alarm after it}}
///
/// `by` names who asked for it, where somebody did; `principal` says how that name was established (``Principal``). `transition` and `record` say what changed and what it has become: for
/// alarms an `AlarmTransition` and the `AlarmRecord`, for commands the state and the command's record. Everything else
/// that an entry wants to say is in `details`, as members beside these; what we do not know is kept there.
public struct JournalEntry: Sendable, Hashable {
    /// What an entry is about. Open: entries of kinds that a later version adds can still be listed.
    public struct Kind: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
        public static let alarm = Kind(rawValue: "alarm")
        public static let command = Kind(rawValue: "command")
        public static let `operator` = Kind(rawValue: "operator")
        public static let ownership = Kind(rawValue: "ownership")

        public let rawValue: String

        public init(rawValue: String) { self.rawValue = rawValue }

        public var description: String { rawValue }
    }

    public var kind: Kind
    public var at: Milliseconds
    /// Who wrote it.
    public var gateway: String
    /// czxid of the ownership node under which it was written; nil where nobody has to own anything.
    public var epoch: Int64?
    /// Who asked for it; nil when nobody did.
    public var by: Principal?
    public var transition: String?
    /// Which channels have delivered what it records, and which have still to.
    public var deliveries: Deliveries
    public var record: JSONValue?
    /// Further members.
    public var details: OrderedDictionary<String, JSONValue>

    public init(
        kind: Kind, at: Milliseconds, gateway: String, epoch: Int64? = nil, by: Principal? = nil,
        transition: String? = nil, deliveries: Deliveries = Deliveries(), record: JSONValue? = nil,
        details: OrderedDictionary<String, JSONValue> = [:]
    ) {
        self.kind = kind
        self.at = at
        self.gateway = gateway
        self.epoch = epoch
        self.by = by
        self.transition = transition
        self.deliveries = deliveries
        self.record = record
        self.details = details
    }

    /// Under ``transition``: the record had gone from the tree and was written again, with a higher revision. It is no
    /// step of the alarm's life, so no channel owes anything for it, and earlier versions pass over it.
    public static let restored = "RESTORED"

    /// The entry of a record that is written again.
    public init(restoring record: AlarmRecord, at: Milliseconds, gateway: String) {
        self.init(
            kind: .alarm, at: at, gateway: gateway, epoch: record.epoch, transition: Self.restored, record: record.json)
    }

    /// Under ``transition``: dates that were taken while a gateway's clock was wrong got their corrections
    /// (``AlarmRecord/corrected``). No step of the alarm's life either.
    public static let corrected = "CORRECTED"

    /// The entry of a record whose dates are corrected.
    public init(correcting record: AlarmRecord, at: Milliseconds, gateway: String) {
        self.init(restoring: record, at: at, gateway: gateway)
        transition = Self.corrected
    }

    /// The alarm's record after what this entry records, also when it is no transition that we know.
    public func alarmRecord() throws(RecordMistake) -> AlarmRecord? {
        guard kind == .alarm, let record else { return nil }
        return try AlarmRecord(json: record)
    }

    /// The entry of an alarm's transition, which these channels have to deliver. For an acknowledgement, `by` is who
    /// acknowledged.
    public init(_ proposal: ProposedTransition, gateway: String, owedBy channels: [Channel]) {
        self.init(
            kind: .alarm, at: proposal.at, gateway: gateway, epoch: proposal.record.epoch,
            by: proposal.transition == .acknowledged ? proposal.record.acknowledgedBy : nil,
            transition: proposal.transition.rawValue, deliveries: Deliveries(owedBy: channels),
            record: proposal.record.json)
    }

    /// The alarm's transition that this entry records; nil when it records something else, or a transition that we do
    /// not know.
    public func alarmTransition() throws(RecordMistake) -> ProposedTransition? {
        if let forgetting = try forgettingTransition() { return forgetting }
        guard kind == .alarm, let transition = transition.flatMap(AlarmTransition.init(rawValue:)), let record else {
            return nil
        }
        return ProposedTransition(transition: transition, record: try AlarmRecord(json: record), at: at)
    }
}

extension JournalEntry {
    /// Reads the data of an entry's node.
    public init(parsing bytes: [UInt8]) throws(RecordMistake) {
        let members = try RecordReader<Member>(parsing: bytes)
        let kind = try members.requiredText(.kind)
        self.init(
            kind: Kind(rawValue: kind), at: try members.time(.at) ?? 0, gateway: try members.text(.gateway) ?? "",
            epoch: try members.integer(.epoch),
            by: try members.text(.by).map { Principal($0, proof: members[.principal]) },
            transition: try members.text(.transition))
        deliveries = Self.resolved(
            Deliveries(members: try members.object(.deliveries) ?? [:]),
            announced: Announced(
                announced: try members.bool(.announced), announcement: members[.announcement]?.stringValue))
        record = members[.record]
        details = members.additional
    }

    /// The entry as it stands in the tree and in listings. Members without a value are left out.
    public var json: JSONValue {
        var members = OrderedDictionary<String, JSONValue>(minimumCapacity: 8 + details.count)
        func put(_ member: Member, _ value: JSONValue?) {
            if let value { members[member.rawValue] = value }
        }
        put(.kind, .string(kind.rawValue))
        put(.at, .integer(at))
        put(.gateway, .string(gateway))
        put(.epoch, epoch.map(JSONValue.integer))
        put(.by, (by?.name).map(JSONValue.string))
        put(.principal, by?.proof)
        put(.transition, transition.map(JSONValue.string))
        let older = Announced(deliveries[.mqtt])
        put(.announced, older.announced.map(JSONValue.bool))
        put(.announcement, older.announcement.map(JSONValue.string))
        put(.deliveries, deliveries.json)
        for (name, value) in details where Member(rawValue: name) == nil { members[name] = value }
        put(.record, record)
        return .object(members)
    }

    /// ``json`` as bytes.
    public func serialized() -> [UInt8] { json.serialized() }

    private enum Member: String, CaseIterable {
        case kind, at, gateway, epoch, by, principal, transition, announced, announcement, deliveries, record
    }
}
