/// Names one alarm instance: one configured alarm on one tag.
public struct AlarmPath: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let tag: TagPath
    /// The name of the `AlarmDefinition`.
    public let alarm: String

    public init(tag: TagPath, alarm: String) {
        self.tag = tag
        self.alarm = alarm
    }

    /// The path below `/alarms` in the tree, without a leading slash: `<tag path>/@<alarm name>`.
    public var znodePath: String { "\(tag.znodePath)/@\(alarm)" }

    /// How a person reads it: `<tag path>/<alarm name>`, as in the topic of the alarm.
    public var description: String { "\(tag)/\(alarm)" }

    /// Bytes decide, as in `TagPath`.
    public static func == (left: AlarmPath, right: AlarmPath) -> Bool {
        left.tag == right.tag && left.alarm.hasSameBytes(as: right.alarm)
    }

    public static func < (left: AlarmPath, right: AlarmPath) -> Bool {
        left.tag == right.tag ? left.alarm.precedesByBytes(right.alarm) : left.tag < right.tag
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(tag)
        alarm.hashBytes(into: &hasher)
    }
}
