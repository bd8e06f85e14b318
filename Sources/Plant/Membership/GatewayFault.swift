/// The faults of the gateways themselves as tags and alarms: names, severities, definitions.
///
/// A gateway is a device like any other, `linekeeper/gateways/<gateway>`; each kind of fault that it has had is a tag of it,
/// with a number that says how bad it is. No route delivers such tags: what the gateways say about themselves in
/// `/status` does, see ``LivePlant/statusesRead(_:at:)``.
public enum GatewayFault {
    /// What a tag says about one fault.
    public enum Severity: Int64, Sendable, Hashable, CaseIterable {
        /// The gateway works.
        case none
        /// Something does not work; the plant is still watched.
        case degraded
        /// Values, alarms or commands of this gateway stand still.
        case blind
    }

    /// The first level of all tags and devices of Linekeeper's own.
    public static let prefix = "linekeeper/"
    /// The kind of fault that the others report about a gateway whose status has been missing for
    /// ``LivePlant/awayAfter``.
    public static let absent = "absent"
    /// The kind of fault that says that a gateway's own clock was set: it has no times that could be believed.
    static let clock = "clock"
    /// The most gateways whose faults are kept.
    static let mostGateways = 256
    /// The most kinds of fault of one gateway.
    static let mostKinds = 32
    /// Further than that from ours, a time in another gateway's status is not taken for one.
    static let believedWithin: Milliseconds = 3_600_000

    /// Kinds after which something of the plant is not seen, recorded or told.
    private static let blinding: Set<String> = [
        "tree", "broker", "subscriptions", "echoes", "shards", "tags", "alarms", "journal", "announcements", "commands",
        "commandRecords", "requests", "mailboxes",
    ]

    /// How bad a fault of that kind is.
    public static func severity(of kind: String) -> Severity { blinding.contains(kind) ? .blind : .degraded }

    /// Whether a tag or device is Linekeeper's own, which nothing from outside may be.
    static func isOwn(_ path: TagPath) -> Bool { path.text.utf8.starts(with: prefix.utf8) }

    /// The device that a gateway is; nil when its name is not one level of a path.
    static func device(of gateway: String) -> TagPath? {
        guard let level = try? TagPath(gateway), level.levels.count == 1 else { return nil }
        return try? TagPath(prefix + "gateways/" + gateway)
    }

    /// The tag of a kind of fault; nil when the kind is not a word.
    static func tag(of kind: String, at device: TagPath) -> TagPath? {
        guard (1...32).contains(kind.utf8.count), kind.utf8.allSatisfy(\.isASCIILetter) else { return nil }
        return try? device.appending(kind)
    }

    /// The gateway and the kind of fault of a tag that ``tag(of:at:)`` has made; nil for another tag.
    static func parts(of tag: TagPath) -> (gateway: String, kind: String, device: TagPath)? {
        let levels = tag.levels
        guard levels.count == 4, levels[0] == "linekeeper", levels[1] == "gateways",
            let device = device(of: String(levels[2])), Self.tag(of: String(levels[3]), at: device) != nil
        else { return nil }
        return (String(levels[2]), String(levels[3]), device)
    }

    /// The alarms on these tags, beside those of the configuration. Their names are Linekeeper's own.
    public static let alarms: [AlarmDefinition] = {
        // A filter of our own, which is one.
        guard let tags = try? TopicFilter(prefix + "gateways/+/+") else { return [] }
        return [
            AlarmDefinition(
                name: alarmName, tags: tags, high: AlarmLimit(limit: 0.5, priority: .medium),
                highHigh: AlarmLimit(limit: 1.5, priority: .high),
                message: "a gateway does not work as it should; \"linekeeper status\" says what and why")
        ]
    }()

    /// The name of these alarms; the configuration's may not have it.
    public static let alarmName = "gateway-fault"
}

extension UInt8 {
    fileprivate var isASCIILetter: Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20)
    }
}
