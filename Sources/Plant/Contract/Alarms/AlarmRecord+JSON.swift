public import JSON
import OrderedCollections

/// Why bytes are not an alarm record.
public struct AlarmRecordMistake: Error, Hashable, Sendable, CustomStringConvertible {
    /// The member concerned; nil when it is the document as a whole.
    public let member: String?
    public let text: String

    public init(_ member: String?, _ text: String) {
        self.member = member
        self.text = text
    }

    public var description: String { member.map { "\($0): \(text)" } ?? text }
}

extension AlarmRecord {
    /// Reads the data of an alarm's node. `changedAt`, `sampledAt` and `revision` may be missing in what others wrote.
    public init(parsing bytes: [UInt8]) throws(AlarmRecordMistake) {
        let json: JSONValue
        do { json = try JSONValue(parsing: bytes) } catch { throw AlarmRecordMistake(nil, "\(error)") }
        try self.init(json: json)
    }

    /// The same, from a document that has been read already.
    public init(json: JSONValue) throws(AlarmRecordMistake) {
        guard case .object(var members) = json else { throw AlarmRecordMistake(nil, "not a JSON object") }
        let tagText = try members.required(.tag)
        let tag: TagPath
        do { tag = try TagPath(tagText) } catch { throw AlarmRecordMistake(Member.tag, "is not a tag: \(error)") }
        let alarm = try members.required(.alarm)
        guard !alarm.isEmpty else { throw AlarmRecordMistake(Member.alarm, "is empty") }
        let since = try members.time(.since) ?? 0
        let changedAt = try members.time(.changedAt) ?? since
        self.init(
            path: AlarmPath(tag: tag, alarm: alarm), state: try members.named(.state),
            condition: try members.named(.condition),
            priority: try members.named(.priority), eventID: try members.required(.eventId),
            occurrence: try members.count(.occurrence) ?? 0, value: try members.number(.value),
            limit: try members.number(.limit), since: since, epoch: try members.integer(.epoch) ?? 0,
            changedAt: changedAt,
            sampledAt: try members.time(.sampledAt) ?? changedAt, revision: try members.count(.revision) ?? 0)
        acknowledgedBy = try members.text(.ackBy)
        acknowledgedAt = try members.time(.ackAt)
        comment = try members.text(.comment)
        shelvedUntil = try members.time(.shelvedUntil)
        suppressedBy = try members.text(.suppressedBy)
        isUnheard = members.removeValue(forKey: Member.unheard.rawValue) == .bool(true)
        isTimeUnsure = members.removeValue(forKey: Member.timeUnsure.rawValue) == .bool(true)
        corrected = CorrectedDates(json: members.removeValue(forKey: Member.corrected.rawValue))
        additional = members
    }

    /// The record as it stands in the tree, in the journal, on MQTT and in listings. Every member is always there,
    /// `null` when there is nothing to say; only `unheard` and `timeUnsure` are left out unless
    /// they are true, and `corrected` unless a date needed it.
    public var json: JSONValue {
        var members = OrderedDictionary<String, JSONValue>(minimumCapacity: 20 + additional.count)
        func put(_ member: Member, _ value: JSONValue?) { members[member.rawValue] = value ?? .null }
        put(.alarm, .string(path.alarm))
        put(.tag, .string(path.tag.text))
        put(.state, .string(state.rawValue))
        put(.condition, .string(condition.rawValue))
        put(.priority, .string(priority.rawValue))
        put(.eventId, .string(eventID))
        put(.occurrence, .integer(occurrence))
        put(.value, value.map(JSONValue.number))
        put(.limit, limit.map(JSONValue.number))
        put(.since, .integer(since))
        put(.ackBy, acknowledgedBy.map(JSONValue.string))
        put(.ackAt, acknowledgedAt.map(JSONValue.integer))
        put(.comment, comment.map(JSONValue.string))
        put(.shelvedUntil, shelvedUntil.map(JSONValue.integer))
        put(.suppressedBy, suppressedBy.map(JSONValue.string))
        put(.epoch, .integer(epoch))
        put(.changedAt, .integer(changedAt))
        put(.sampledAt, .integer(sampledAt))
        put(.revision, .integer(revision))
        if isUnheard { put(.unheard, .bool(true)) }
        if isTimeUnsure { put(.timeUnsure, .bool(true)) }
        if !corrected.isEmpty { put(.corrected, corrected.json) }
        for (name, value) in additional where members[name] == nil { members[name] = value }
        return .object(members)
    }

    /// ``json`` as bytes.
    public func serialized() -> [UInt8] { json.serialized() }

    fileprivate enum Member: String {
        case alarm, tag, state, condition, priority, eventId, occurrence, value, limit, since, ackBy, ackAt, comment
        case shelvedUntil, suppressedBy, epoch, changedAt, sampledAt, revision, unheard, timeUnsure, corrected
    }
}

extension AlarmRecordMistake {
    fileprivate init(_ member: AlarmRecord.Member, _ text: String) { self.init(member.rawValue, text) }
}

extension OrderedDictionary<String, JSONValue> {
    fileprivate mutating func text(_ member: AlarmRecord.Member) throws(AlarmRecordMistake) -> String? {
        switch removeValue(forKey: member.rawValue) {
        case nil, .null?: return nil
        case .string(let text)?: return text
        case let other?: throw AlarmRecordMistake(member, "is \(other), must be text")
        }
    }

    fileprivate mutating func required(_ member: AlarmRecord.Member) throws(AlarmRecordMistake) -> String {
        guard let text = try text(member) else { throw AlarmRecordMistake(member, "is missing") }
        return text
    }

    fileprivate mutating func integer(_ member: AlarmRecord.Member) throws(AlarmRecordMistake) -> Int64? {
        switch removeValue(forKey: member.rawValue) {
        case nil, .null?: return nil
        case let value?:
            guard let integer = value.intValue else {
                throw AlarmRecordMistake(member, "is \(value), must be an integer")
            }
            return integer
        }
    }

    fileprivate mutating func time(_ member: AlarmRecord.Member) throws(AlarmRecordMistake) -> Milliseconds? {
        switch removeValue(forKey: member.rawValue) {
        case nil, .null?: return nil
        case let value?:
            guard let time = value.timeValue else {
                throw AlarmRecordMistake(member, "is \(value), must be a time in milliseconds since 1970")
            }
            return time
        }
    }

    fileprivate mutating func count(_ member: AlarmRecord.Member) throws(AlarmRecordMistake) -> Int64? {
        switch removeValue(forKey: member.rawValue) {
        case nil, .null?: return nil
        case let value?:
            guard let count = value.countValue else {
                throw AlarmRecordMistake(member, "is \(value), must be an integer from 0 to 2^53")
            }
            return count
        }
    }

    fileprivate mutating func number(_ member: AlarmRecord.Member) throws(AlarmRecordMistake) -> Double? {
        switch removeValue(forKey: member.rawValue) {
        case nil, .null?: return nil
        case let value?:
            guard let number = value.doubleValue else {
                throw AlarmRecordMistake(member, "is \(value), must be a number")
            }
            return number
        }
    }

    fileprivate mutating func named<Name: RawRepresentable<String> & CaseIterable>(
        _ member: AlarmRecord.Member
    ) throws(AlarmRecordMistake) -> Name {
        let text = try required(member)
        guard let name = Name(rawValue: text) else {
            let known = Name.allCases.map(\.rawValue).joined(separator: ", ")
            throw AlarmRecordMistake(member, "is \"\(text)\", must be one of \(known)")
        }
        return name
    }
}
