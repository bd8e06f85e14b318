import JSON
import OrderedCollections

/// Something that an operator had removed from the tree.
public enum Forgotten: Sendable, Hashable {
    /// An alarm, with its last record.
    case alarm(AlarmRecord)
    /// A tag with its latest value.
    case tag(TagPath)
    /// A device and what was known of its tags.
    case device(TagPath)
}

/// The entries of what operators have removed.
extension JournalEntry {
    /// The entry of an alarm that is removed; `forgetting` is its last step, `was` its state before.
    ///
    /// The last record is not under `record`: gateways of earlier versions would keep it as the newest one.
    public init(
        forgetting: ProposedTransition, was state: AlarmState, by: Principal, comment: String?, gateway: String,
        owedBy channels: [Channel]
    ) {
        self.init(forgetting, gateway: gateway, owedBy: channels)
        self.by = by
        details["comment"] = comment.map(JSONValue.string)
        details[Member.was.rawValue] = .string(state.rawValue)
        details[Member.removed.rawValue] = record
        record = nil
    }

    /// The entry of a tag or device that is removed; nil for an alarm, whose entry has a step of its life.
    public init?(
        forgetting forgotten: Forgotten, at: Milliseconds, by: Principal, comment: String?, gateway: String,
        epoch: Int64, tags: Int
    ) {
        let (member, path): (Member, TagPath)
        switch forgotten {
        case .alarm: return nil
        case .tag(let tag): (member, path) = (.tag, tag)
        case .device(let device): (member, path) = (.device, device)
        }
        self.init(
            kind: .operator, at: at, gateway: gateway, epoch: epoch, by: by,
            transition: AlarmTransition.forgotten.rawValue, details: [member.rawValue: .string(path.text)])
        if case .device = forgotten { details["tags"] = .integer(Int64(tags)) }
        details["comment"] = comment.map(JSONValue.string)
    }

    /// What the entry says was removed; nil when it is about something else.
    public func forgotten() throws(RecordMistake) -> Forgotten? {
        guard transition == AlarmTransition.forgotten.rawValue else { return nil }
        if kind == .alarm { return try forgottenAlarm().map { .alarm($0) } }
        guard kind == .operator else { return nil }
        if let tag = path(.tag) { return .tag(tag) }
        return path(.device).map { .device($0) }
    }

    private func forgottenAlarm() throws(RecordMistake) -> AlarmRecord? {
        guard let json = details[Member.removed.rawValue] else { return nil }
        return try AlarmRecord(json: json)
    }

    /// The last step of an alarm that was removed.
    func forgettingTransition() throws(RecordMistake) -> ProposedTransition? {
        guard transition == AlarmTransition.forgotten.rawValue, let record = try forgottenAlarm() else { return nil }
        return ProposedTransition(transition: .forgotten, record: record, at: at)
    }

    private func path(_ member: Member) -> TagPath? {
        details[member.rawValue]?.stringValue.flatMap { try? TagPath($0) }
    }

    private enum Member: String { case tag, device, was, removed }
}
