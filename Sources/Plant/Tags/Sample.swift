/// One reading of one tag. Numbers and booleans carry no reference, so arrays of samples copy without reference
/// counting.
public struct Sample: Sendable, Hashable {
    /// What was read; nil when the message could not be understood (`quality` is then `bad`).
    public var value: TagValue?
    public var quality: Quality
    /// True when the payload told its own time. Otherwise `sourceTime` repeats `receivedTime`.
    public var hasSourceTime: Bool
    /// True when the broker had kept the message for us: it tells what was, not what is, and must raise no live alarm.
    public var isRetained: Bool
    /// True when the payload calls the value uncertain. It counts as good for alarms all the same: one alarm too many does less
    /// harm than one too few.
    public var isCalledUncertain = false
    /// True when a birth of Sparkplug B has told it: it repeats what was so anyway, and confirms no command.
    public var isFromBirth = false
    public var tag: TagID
    public var sourceTime: Milliseconds
    public var receivedTime: Milliseconds

    /// The quality as others see it.
    public var shownQuality: Quality { isCalledUncertain && quality == .good ? .uncertain : quality }

    /// A sample without its own time takes the time of reception as its source time.
    @inlinable
    public init(
        tag: TagID, value: TagValue?, quality: Quality = .good, sourceTime: Milliseconds? = nil,
        receivedTime: Milliseconds,
        isRetained: Bool = false
    ) {
        self.tag = tag
        self.value = value
        self.quality = quality
        self.hasSourceTime = sourceTime != nil
        self.sourceTime = sourceTime ?? receivedTime
        self.receivedTime = receivedTime
        self.isRetained = isRetained
    }

    /// Its own time is worth nothing: that of reception counts.
    mutating func dropSourceTime() {
        hasSourceTime = false
        sourceTime = receivedTime
    }
}
