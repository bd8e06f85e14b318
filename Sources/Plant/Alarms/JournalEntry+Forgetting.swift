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
    /// The entry of an alarm that is removed; `forgetting` is its last step.
    public init(forgetting: ProposedTransition, by: String, comment: String?, gateway: String) {
        self.init(forgetting, gateway: gateway)
        self.by = by
        details["comment"] = comment.map(JSONValue.string)
    }

    /// The entry of a tag or device that is removed; nil for an alarm, whose entry has a step of its life.
    public init?(
        forgetting forgotten: Forgotten, at: Milliseconds, by: String, comment: String?, gateway: String, epoch: Int64
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
        details["comment"] = comment.map(JSONValue.string)
    }

    /// What the entry says was removed; nil when it is about something else.
    public func forgotten() throws(AlarmRecordMistake) -> Forgotten? {
        guard transition == AlarmTransition.forgotten.rawValue else { return nil }
        if kind == .alarm { return try alarmRecord().map { .alarm($0) } }
        guard kind == .operator else { return nil }
        if let tag = path(.tag) { return .tag(tag) }
        return path(.device).map { .device($0) }
    }

    private func path(_ member: Member) -> TagPath? {
        details[member.rawValue]?.stringValue.flatMap { try? TagPath($0) }
    }

    private enum Member: String { case tag, device }
}
