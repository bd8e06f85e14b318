/// A tag of an edge node, by number: the same as long as the session lives.
public struct SparkplugTagID: Hashable, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    var index: Int { Int(rawValue) }
}

/// A device of an edge node, by number: the same as long as the session lives.
public struct SparkplugDeviceID: Hashable, Sendable {
    /// The edge node itself, whose metrics belong to no device.
    public static let node = SparkplugDeviceID(rawValue: 0)

    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    var index: Int { Int(rawValue) }
}

/// One value of one tag, as the edge node told it.
public struct SparkplugSample: Hashable, Sendable {
    /// What there is to know about a sample besides its value.
    public struct Flags: OptionSet, Hashable, Sendable {
        public let rawValue: UInt8

        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// About the past: to be stored; never the latest value, never a cause of an alarm, never an echo of a command.
        public static let historical = Flags(rawValue: 1)
        /// About the present alone: not to be stored.
        public static let transient = Flags(rawValue: 2)
        /// The value is absent because the edge node says so, not because it could not be read.
        public static let null = Flags(rawValue: 4)
        /// From a birth: the value as it was when the birth was sent, which may be long known.
        public static let birth = Flags(rawValue: 8)
        /// Known by its alias alone, after messages had been missed, among which there may have been a birth that gave the
        /// alias to another metric. It shows as uncertain.
        public static let unproven = Flags(rawValue: 16)
    }

    public let tag: SparkplugTagID
    /// nil when it is null, or could not be read; then the quality is bad.
    public let value: SparkplugScalar?
    public let quality: SparkplugQuality
    public let flags: Flags
    /// When it was measured, in milliseconds since 1970 UTC: the metric's time, else that of its message; nil when neither is a
    /// time.
    public let time: Int64?
    /// When its message was sent, by the same clock; nil when the message does not say. A time of measurement may be long ago,
    /// this one is not: it tells what the edge node's clock shows.
    public let sentTime: Int64?
    public let receivedTime: Int64
}
