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
        left.tag == right.tag && left.alarm.utf8.elementsEqual(right.alarm.utf8)
    }

    public static func < (left: AlarmPath, right: AlarmPath) -> Bool {
        left.tag == right.tag ? left.alarm.utf8.lexicographicallyPrecedes(right.alarm.utf8) : left.tag < right.tag
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(tag)
        for byte in alarm.utf8 { hasher.combine(byte) }
    }
}
