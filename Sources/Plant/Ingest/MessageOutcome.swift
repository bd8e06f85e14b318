public import SparkplugB

/// What became of one message.
public struct MessageOutcome: Sendable, Hashable {
    public enum Result: Sendable, Hashable {
        /// That many samples were appended; some may be bad when a payload has several values.
        case samples(Int)
        /// Nothing could be read. The tags' bad samples were appended, unless it was a presence message.
        case undecodable(DecodeFailure)
        /// A device's own word about being there, or its heartbeat.
        case presence(isOnline: Bool)
        /// A heartbeat that the broker had kept, which proves nothing.
        case keptHeartbeat
        /// A retained message was cleared. Says nothing about the sensor.
        case empty
        case unrouted
        /// The topic's route says that it says nothing.
        case ignored
        case refused(Refusal)
    }

    /// Why a topic got no tags.
    public enum Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        case path(TagPath.Refusal)
        case device(TagPath.Refusal)
        /// Its tags or its device would be Linekeeper's own.
        case own
        /// A template has a name that a point of line protocol does not give.
        case missingName(String)
        /// Two series of points would have the same tags; nil: it has been said which.
        case sameTags(TagPath?)
        /// A series of points that has been refused, for one of these reasons.
        case refusedBefore
        /// A topic of a route for Sparkplug B that is none of it.
        case sparkplug(SparkplugTopic.Refusal)
        case tooManyTopics
        case tooManyTags
        case tooManyDevices
        case tooManyEdgeNodes

        public var description: String {
            switch self {
            case .path(let refusal): "no name for a tag: \(refusal)"
            case .device(let refusal): "no name for a device: \(refusal)"
            case .own: "tags and devices below \(GatewayFault.prefix) are Linekeeper's own"
            case .missingName(let name): "the line has no tag \(name), which the route's device or tag is made of"
            case .sameTags(let path):
                "lines with other tags have their values below \(path.map { "\($0)" } ?? "the same tags") as well, so that neither is taken; name all tags that differ in the route's tag"
            case .refusedBefore: "such a line has been refused before; linekeeper check tells why"
            case .sparkplug(let refusal): "no topic of Sparkplug B: \(refusal)"
            case .tooManyTopics: "too many topics"
            case .tooManyTags: "too many tags"
            case .tooManyDevices: "too many devices"
            case .tooManyEdgeNodes: "too many edge nodes"
            }
        }
    }

    /// A part of a message that could not be read, while others were.
    public struct Flaw: Sendable, Hashable {
        /// The tag whose value it is; nil when it is the message's time, or a part of it that has no tag.
        public let tag: TagID?
        public let failure: DecodeFailure
    }

    public var result: Result
    /// The first value that could not be read (`null` is readable), or the time.
    public var flaw: Flaw?
    /// The number of the topic; -1 for one that is not known.
    public var topic = -1
    /// When what it says came, if it has waited for another message; nil: now.
    var receivedAt: Milliseconds?
    /// The message's own time, where its samples have one; of several the newest. Of a birth of Sparkplug B the time at which it
    /// was sent, as far as it tells.
    public var sourceTime: Milliseconds?
    /// Whether samples of the message have times of their own, which may be older than that of the message.
    public var isBatch = false
    /// Whether it is a birth of Sparkplug B: what the device has, also what has changed long ago.
    var isBirth = false
    /// The device that the message came from, when it has one.
    public var device: DeviceID?
    /// The device's new state, when this message changed it; always given for a device that is heard of for the first
    /// time.
    public var deviceState: DeviceState?
    /// Whether this message lost a device again that flaps: see ``DeviceTurn/lostAgain``.
    public var isDeviceLostAgain = false
    /// True when this message was the first of a topic, so that tags or a device may be new.
    public var isNewTopic = false
    public var isNewDevice = false
    /// Tags numbered for the first time by this message.
    public var newTags: Range<Int> = 0..<0

    init(_ result: Result) { self.result = result }

    /// Takes in what became of another part of the message.
    mutating func merge(_ part: MessageOutcome) {
        switch (result, part.result) {
        case (.samples(let count), .samples(let more)): result = .samples(count + more)
        case (.samples, _): flaw = flaw ?? part.failure.map { .init(tag: nil, failure: $0) }
        case (_, .samples):
            flaw = failure.map { .init(tag: nil, failure: $0) }
            result = part.result
        default: break
        }
        flaw = flaw ?? part.flaw
        isNewTopic = isNewTopic || part.isNewTopic
        isNewDevice = isNewDevice || part.isNewDevice
        isBatch = isBatch || part.isBatch
    }

    /// Whether it is a message of Sparkplug B that nothing can be made of before a birth has come.
    package var lacksBirth: Bool {
        if case .birthNeeded = flaw?.failure { result == .samples(0) } else { false }
    }

    /// Why the message, or a part of it, could not be read.
    var failure: DecodeFailure? {
        switch result {
        case .undecodable(let failure): failure
        case .samples, .presence, .keptHeartbeat, .empty, .unrouted, .ignored, .refused: flaw?.failure
        }
    }
}
