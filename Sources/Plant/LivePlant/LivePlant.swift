/// What one gateway knows of its plant at a moment: bindings, latest values, devices, alarms, and every rule about
/// which message counts for what.
///
/// A value without I/O, clock or concurrency: messages, what stands in the tree and time come in as arguments; effects
/// and what is to be written go out. The gateway runs it behind one lock, `linekeeper check` runs it on a message that
/// somebody tries out, and both decide alike because they run the same code.
///
/// **What a sample counts for.** Latest values and alarms each have an order of their own; neither asks the other.
///
/// | sample | latest value | alarms |
/// | --- | --- | --- |
/// | live, readable | the newest by its own time; without one, as it arrives | evaluated, unless older than what was evaluated |
/// | live, unreadable | the last value stays, `bad` | freeze until the next good sample |
/// | live, no number | its value | nothing |
/// | live, older than `staleAfter` within ``LivePlant/backlogPeriod`` of a connection | as live | freeze: it is history |
/// | retained, with a time of its own that is younger than `staleAfter` | as live | evaluated |
/// | retained, otherwise | only where nothing was heard live; `uncertain` or `stale` | freeze until the next good sample |
public struct LivePlant: Sendable {
    /// What a batch of messages, or the passing of time, calls for.
    public struct Effects: Sendable {
        public var devicesChanged = false
        public var alarmsPending = false
        /// Positions in the batch of messages that may answer commands; they are nothing else.
        public var answers: [Int] = []
        /// A payload that no route can read, for the log; at most one per ``LivePlant/unreadableLogInterval``.
        public var unreadable: Unreadable?

        public init() {}
    }

    /// A message that could not be read.
    public struct Unreadable: Sendable, Hashable {
        public let topic: String
        public let failure: DecodeFailure
    }

    /// After a connection, messages whose own time is older than their device's `staleAfter` are taken for queued ones
    /// during this time: they update values and raise no live alarm. Later, an old time is just a device's wrong clock.
    public static let backlogPeriod: Milliseconds = 10_000
    /// Between two searches for silent devices.
    public static let expiryInterval: Milliseconds = 250
    /// Between two reports of payloads that cannot be read.
    public static let unreadableLogInterval: Milliseconds = 10_000

    var ingest: Ingest
    var latest = LatestValues()
    var alarms: AlarmBook
    var answers: AnswerTopics
    var samples: ContiguousArray<Sample> = []
    /// Whether a tag's node is known to exist, by number.
    var nodeExists: ContiguousArray<Bool> = []
    /// When a device was first seen, by number, as the tree has it.
    var firstSeen: [DeviceID: Milliseconds] = [:]
    var changedDevices: Set<DeviceID> = []
    /// Until when messages may be what the broker had queued while this gateway was away.
    var backlogUntil: Milliseconds = 0
    var lastExpiry: Milliseconds = 0
    var nextUnreadableLog: Milliseconds = 0
    /// When the journal last showed a transition.
    var lastRecorded: Milliseconds = 0

    /// - Parameters:
    ///   - answerFilters: topics on which devices answer commands; what comes there is no sample.
    ///   - hashSeed: random in a running gateway; see ``Ingest``.
    /// - Throws: the first mistake of `alarms`.
    public init(
        routes: [RouteDefinition], alarms: [AlarmDefinition] = [], answerFilters: [TopicFilter] = [],
        limits: IngestLimits = IngestLimits(), alarmLimits: AlarmBook.Limits = AlarmBook.Limits(), hashSeed: UInt64 = 0
    ) throws(AlarmMistake) {
        ingest = Ingest(routes: routes, limits: limits, hashSeed: hashSeed)
        self.alarms = try AlarmBook(definitions: alarms, limits: alarmLimits)
        answers = AnswerTopics(filters: answerFilters, limit: limits.topics, hashSeed: hashSeed)
    }

    /// The tags that are known, by number.
    public var tags: TagTable { ingest.tags }

    /// The route that takes a topic, and whether as presence; for explanations, not for messages.
    public func route(of topic: String) -> (route: RouteDefinition, isPresence: Bool)? { ingest.route(of: topic) }

    /// Counters of routing, decoding and evaluating, by name.
    public var numbers: [(name: String, value: UInt64)] {
        let counters = ingest.counters
        return [
            ("messages", counters.messages), ("samples", counters.samples), ("undecodable", counters.undecodable),
            ("unrouted", counters.unrouted), ("refusedTopics", counters.refusedTopics),
            ("tableFull", counters.tableFull),
            ("implausibleTimes", counters.implausibleTimes), ("outdated", latest.older),
            ("conflated", latest.conflated), ("tags", UInt64(clamping: ingest.tags.count)),
            ("devices", UInt64(clamping: ingest.devices.count)),
            ("pendingTransitions", UInt64(clamping: alarms.pendingCount)),
            ("droppedTransitions", UInt64(clamping: alarms.statistics.edgesDropped)),
            ("overflowedTransitions", UInt64(clamping: alarms.statistics.edgesOverflowed)),
        ]
    }
}
