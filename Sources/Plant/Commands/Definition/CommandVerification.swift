/// How a device shows that it has carried a command out: a tag has the wanted value within a time.
///
/// A sample counts when it is good, was received after the command was sent, was not measured long before that, and was not told
/// by a birth of Sparkplug B, which says what was so anyway.
public struct CommandVerification: Sendable, Hashable {
    /// How long before the sending a sample may have been measured, by its own time: device and gateway have clocks of
    /// their own.
    public static let clockTolerance: Milliseconds = 5_000

    /// How long after an answer the tag may take, where the configuration does not say it: the device's next command waits.
    public static let afterAnswer: Milliseconds = 5_000

    /// What the tag has to show.
    public enum Wanted: Sendable, Hashable {
        case constant(TagValue)
        /// The value of that parameter, as the operator gave it.
        case parameter(String)
    }

    /// Which tag has to show what.
    public enum Subject: Sendable, Hashable {
        case tag(DeviceTemplate, Wanted)
        /// The metric that the command writes, the value that was sent, as the metric's type has it.
        case echo
    }

    public var subject: Subject
    /// By how much a number may differ.
    public var tolerance: Double?
    /// How long the value may take, after the sending, or after the answer where there is one; nil: ``afterAnswer``, or
    /// without an answer until the command's deadline.
    public var within: Milliseconds?

    public init(_ subject: Subject, tolerance: Double? = nil, within: Milliseconds? = nil) {
        self.subject = subject
        self.tolerance = tolerance
        self.within = within
    }

    public init(tag: DeviceTemplate, wanted: Wanted, tolerance: Double? = nil, within: Milliseconds? = nil) {
        self.init(.tag(tag, wanted), tolerance: tolerance, within: within)
    }

    /// nil when it is that of the metric that the command writes.
    package var tag: DeviceTemplate? {
        if case .tag(let tag, _) = subject { tag } else { nil }
    }

    /// What the tag's latest value says of the command.
    enum Sight: Sendable, Hashable {
        case shown
        /// Heard after the sending, and another value.
        case other(TagValue)
        /// Nothing that counts was heard, and why.
        case silent(String)
    }

    /// Judges the tag's latest value.
    /// - Parameter since: when the command was sent.
    func sight(_ reading: Interlock.Reading?, wanted: TagValue, since: Milliseconds, at now: Milliseconds) -> Sight {
        guard let reading, let value = reading.value else { return .silent("it has no value") }
        // One from the future was received before this gateway's clock was set back.
        guard reading.receivedAt >= since, reading.receivedAt <= now else {
            return .silent("nothing has come since the command was sent")
        }
        guard reading.isHeard else { return .silent("nothing has been heard here since the command was sent") }
        guard !reading.isFromBirth else { return .silent("what has come was told by a birth, which confirms nothing") }
        // The time of an echo is not looked at, so it may be in doubt.
        guard reading.quality == .good || subject == .echo && reading.isTimeInDoubt else {
            return .silent("it is \(reading.quality.name)")
        }
        // What data says of a metric is about the present, unless it says otherwise, and then it is not taken. There are edge nodes
        // that give all metrics one time.
        if subject == .echo { return Self.isSame(value, wanted, tolerance: tolerance ?? 0) ? .shown : .other(value) }
        if let measured = reading.sourceTime {
            let earliest = reading.isRetained ? since : since.subtractingClamped(Self.clockTolerance)
            guard measured >= earliest else { return .silent("what has come was measured before the command was sent") }
        } else if reading.isRetained {
            // The broker had kept it, nobody knows since when.
            return .silent("nothing has come since the command was sent")
        }
        return Self.isSame(value, wanted, tolerance: tolerance ?? 0) ? .shown : .other(value)
    }

    private static func isSame(_ value: TagValue, _ wanted: TagValue, tolerance: Double) -> Bool {
        switch (value, wanted) {
        case (.bool(let value), .bool(let wanted)): return value == wanted
        case (.text(let value), .text(let wanted)): return value.hasSameBytes(as: wanted)
        case (.integer(let value), .integer(let wanted)) where tolerance == 0: return value == wanted
        case (.integer, _), (.number, _), (.bool, _), (.text, _):
            guard let value = value.doubleValue, let wanted = wanted.doubleValue else { return false }
            return (value - wanted).magnitude <= tolerance
        }
    }
}

/// What a tag said of a command that has been sent. The raw values are what stands in the tree and on MQTT.
public enum CommandVerdict: String, Sendable, Hashable, CaseIterable {
    /// It shows the wanted value.
    case verified = "VERIFIED"
    /// It was heard after the command, and shows another value.
    case mismatch = "MISMATCH"
}
