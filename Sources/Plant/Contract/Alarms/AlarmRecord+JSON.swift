public import JSON
import OrderedCollections

extension AlarmRecord {
    /// Reads the data of an alarm's node. `changedAt`, `sampledAt` and `revision` may be missing in what others wrote.
    public init(parsing bytes: [UInt8]) throws(RecordMistake) {
        try self.init(RecordReader(parsing: bytes))
    }

    /// The same, from a document that has been read already.
    public init(json: JSONValue) throws(RecordMistake) {
        try self.init(RecordReader(json))
    }

    private init(_ members: RecordReader<Member>) throws(RecordMistake) {
        let tagText = try members.requiredText(.tag)
        let tag: TagPath
        do { tag = try TagPath(tagText) } catch { throw members.mistake(.tag, "is not a tag: \(error)") }
        let alarm = try members.requiredText(.alarm)
        guard !alarm.isEmpty else { throw members.mistake(.alarm, "is empty") }
        let since = try members.time(.since) ?? 0
        let changedAt = try members.time(.changedAt) ?? since
        let lifeCycle = AlarmLifeCycle(
            state: try members.requiredName(.state), condition: try members.requiredName(.condition),
            shelvedUntil: try members.time(.shelvedUntil), suppressedBy: try members.text(.suppressedBy),
            rest: members[.lifeCycle]?.objectValue ?? [:])
        self.init(
            path: AlarmPath(tag: tag, alarm: alarm), lifeCycle: lifeCycle,
            priority: try members.requiredName(.priority), eventID: try members.requiredText(.eventId),
            occurrence: try members.count(.occurrence) ?? 0, value: try members.number(.value),
            limit: try members.number(.limit), since: since, epoch: try members.integer(.epoch) ?? 0,
            changedAt: changedAt,
            sampledAt: try members.time(.sampledAt) ?? changedAt, revision: try members.count(.revision) ?? 0)
        let ackAt = try members.time(.ackAt)
        acknowledgedBy = try members.text(.ackBy).map { Principal($0, proof: members[.ackPrincipal], at: ackAt) }
        acknowledgedAt = ackAt
        comment = try members.text(.comment)
        isUnheard = members[.unheard] == true
        isTimeUnsure = members[.timeUnsure] == true
        corrected = CorrectedDates(json: members[.corrected])
        additional = members.additional
        // What this version does not know there is kept as well.
        switch members[.lifeCycle] {
        case .object(let members)?:
            let unknown = AlarmLifeCycle.unknown(in: members)
            if !unknown.isEmpty { additional[Member.lifeCycle.rawValue] = .object(unknown) }
        case let other?: additional[Member.lifeCycle.rawValue] = other
        case nil: break
        }
    }

    /// The record as it stands in the tree, in the journal, on MQTT and in listings. Every member is always there,
    /// `null` when there is nothing to say; only `ackPrincipal` is left out when the name is only claimed, `unheard` and
    /// `timeUnsure` unless they are true, `corrected` unless a date needed it, and `lifeCycle` unless `state` does not tell
    /// all of it.
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
        put(.ackBy, (acknowledgedBy?.name).map(JSONValue.string))
        put(.ackAt, acknowledgedAt.map(JSONValue.integer))
        put(.comment, comment.map(JSONValue.string))
        put(.shelvedUntil, (lifeCycle.shelf?.until).map(JSONValue.integer))
        put(.suppressedBy, lifeCycle.suppressedBy.flatMap { $0.isEmpty ? nil : .string($0) })
        put(.epoch, .integer(epoch))
        put(.changedAt, .integer(changedAt))
        put(.sampledAt, .integer(sampledAt))
        put(.revision, .integer(revision))
        if let proof = acknowledgedBy?.proof(at: acknowledgedAt) { put(.ackPrincipal, proof) }
        if isUnheard { put(.unheard, .bool(true)) }
        if isTimeUnsure { put(.timeUnsure, .bool(true)) }
        if !corrected.isEmpty { put(.corrected, corrected.json) }
        if let rest = lifeCycle.rest {
            let unknown = additional[Member.lifeCycle.rawValue]?.objectValue ?? [:]
            put(.lifeCycle, .object(rest.merging(unknown) { known, _ in known }))
        }
        for (name, value) in additional where members[name] == nil { members[name] = value }
        return .object(members)
    }

    /// About how many bytes a transaction takes for the record and the entry of the journal that holds it once more.
    package var sizeInTransaction: Int {
        let name = path.tag.text.utf8.count + path.alarm.utf8.count
        // The path of the node may be percent-encoded.
        let paths = 200 + 3 * name
        let isUsual =
            additional.isEmpty && comment == nil && acknowledgedBy == nil && !lifeCycle.isHidden
            && eventID.utf8.count <= 64
        // Escaped, the names may take six times their length; they stand in each copy of the record.
        return paths + (isUsual && name < 200 ? 1_200 + 2 * 6 * name : 2 * serialized().count)
    }

    /// ``json`` as bytes.
    public func serialized() -> [UInt8] { json.serialized() }

    private enum Member: String, CaseIterable {
        case alarm, tag, state, condition, priority, eventId, occurrence, value, limit, since, ackBy, ackAt, comment
        case ackPrincipal, shelvedUntil, suppressedBy, epoch, changedAt, sampledAt, revision, unheard, timeUnsure,
            corrected,
            lifeCycle
    }
}
