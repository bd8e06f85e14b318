public import OrderedCollections

/// One entry of the audit journal: the data of `/journal/entry-<seq>`, created in the transaction of the change that it
/// records.
///
///     {"kind":"alarm","at":…,"gateway":…,"epoch":…,"by":…,"transition":"ACT","announced":false,"record":{the alarm after it}}
///
/// `by` names the person where there was one. `transition` and `record` say what changed and what it has become: for
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
    /// The person who asked for it; nil when nobody did.
    public var by: String?
    public var transition: String?
    /// Whether what it records has been published on MQTT. A new processor publishes what is still `false`. Nil where
    /// there is nothing to publish.
    public var announced: Bool?
    public var record: JSONValue?
    /// Further members.
    public var details: OrderedDictionary<String, JSONValue>

    public init(
        kind: Kind, at: Milliseconds, gateway: String, epoch: Int64? = nil, by: String? = nil,
        transition: String? = nil,
        announced: Bool? = nil, record: JSONValue? = nil, details: OrderedDictionary<String, JSONValue> = [:]
    ) {
        self.kind = kind
        self.at = at
        self.gateway = gateway
        self.epoch = epoch
        self.by = by
        self.transition = transition
        self.announced = announced
        self.record = record
        self.details = details
    }

    /// The entry of an alarm's transition, not yet announced. For an acknowledgement, `by` is who acknowledged.
    public init(_ proposal: ProposedTransition, gateway: String) {
        self.init(
            kind: .alarm, at: proposal.at, gateway: gateway, epoch: proposal.record.epoch,
            by: proposal.transition == .acknowledged ? proposal.record.acknowledgedBy : nil,
            transition: proposal.transition.rawValue, announced: false, record: proposal.record.json)
    }

    /// The alarm's transition that this entry records; nil when it records something else, or a transition that we do
    /// not know.
    public func alarmTransition() throws(AlarmRecordMistake) -> ProposedTransition? {
        guard kind == .alarm, let transition = transition.flatMap(AlarmTransition.init(rawValue:)), let record else {
            return nil
        }
        return ProposedTransition(transition: transition, record: try AlarmRecord(json: record), at: at)
    }
}

/// Why bytes are not a journal entry.
public struct JournalEntryMistake: Error, Hashable, Sendable, CustomStringConvertible {
    /// The member concerned; nil when it is the document as a whole.
    public let member: String?
    public let text: String

    public init(_ member: String?, _ text: String) {
        self.member = member
        self.text = text
    }

    public var description: String { member.map { "\($0): \(text)" } ?? text }
}

extension JournalEntry {
    /// Reads the data of an entry's node.
    public init(parsing bytes: [UInt8]) throws(JournalEntryMistake) {
        let json: JSONValue
        do { json = try JSONValue(parsing: bytes) } catch { throw JournalEntryMistake(nil, "\(error)") }
        guard case .object(var members) = json else { throw JournalEntryMistake(nil, "not a JSON object") }
        guard let kind = try members.text(.kind) else { throw JournalEntryMistake("kind", "is missing") }
        self.init(
            kind: Kind(rawValue: kind), at: try members.integer(.at) ?? 0, gateway: try members.text(.gateway) ?? "",
            epoch: try members.integer(.epoch), by: try members.text(.by), transition: try members.text(.transition))
        switch members.removeValue(forKey: Member.announced.rawValue) {
        case nil, .null?: break
        case .bool(let announced)?: self.announced = announced
        case let other?: throw JournalEntryMistake("announced", "is \(other), must be true or false")
        }
        record = members.removeValue(forKey: Member.record.rawValue)
        details = members
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
        put(.by, by.map(JSONValue.string))
        put(.transition, transition.map(JSONValue.string))
        put(.announced, announced.map(JSONValue.bool))
        for (name, value) in details where Member(rawValue: name) == nil { members[name] = value }
        put(.record, record)
        return .object(members)
    }

    /// ``json`` as bytes.
    public func serialized() -> [UInt8] { json.serialized() }

    fileprivate enum Member: String {
        case kind, at, gateway, epoch, by, transition, announced, record
    }
}

extension OrderedDictionary<String, JSONValue> {
    fileprivate mutating func text(_ member: JournalEntry.Member) throws(JournalEntryMistake) -> String? {
        switch removeValue(forKey: member.rawValue) {
        case nil, .null?: return nil
        case .string(let text)?: return text
        case let other?: throw JournalEntryMistake(member.rawValue, "is \(other), must be text")
        }
    }

    fileprivate mutating func integer(_ member: JournalEntry.Member) throws(JournalEntryMistake) -> Int64? {
        switch removeValue(forKey: member.rawValue) {
        case nil, .null?: return nil
        case let value?:
            guard let integer = value.intValue else {
                throw JournalEntryMistake(member.rawValue, "is \(value), must be an integer")
            }
            return integer
        }
    }
}
