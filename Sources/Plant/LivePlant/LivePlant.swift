/// What one gateway knows of its plant at a moment: bindings, latest values, devices, alarms, and every rule about
/// which message counts for what.
///
/// A value without I/O, clock or concurrency: messages, what stands in the tree and time come in as arguments; effects
/// and what is to be written go out. The gateway runs it behind one lock, `linekeeper check` runs it on a message that
/// somebody tries out, and both decide alike because they run the same code.
///
/// **What a sample counts for.** Latest values and alarms each have an order of their own, and neither asks the other: a
/// spike that was heard before it could be recorded is evaluated again when the broker delivers it again, although the
/// tree has a newer value by then. The alarms' position comes from the alarm records.
///
/// | sample | latest value | alarms |
/// | --- | --- | --- |
/// | live, readable | the newest by its own time; without one, as it arrives | evaluated, unless older than what was evaluated |
/// | live, unreadable, or no number on a tag that has numbers (``NumericTags``) | the last value stays, `bad` | freeze until the next good sample |
/// | live, readable, its time not | its value, by the time of reception, `uncertain` | evaluated, by the time of reception |
/// | live, no number, on a tag that no alarm watches | its value | nothing |
/// | live, its time contradicts its device's clock (``TopicClock``) | the newest by reception, `uncertain` | kept until the clock is decided upon, then live in its order; undecided for too long, the newest may raise, marked `timeUnsure`, and nothing returns |
/// | live, older on arrival than max(`staleAfter`, 30 s) by its topic's offset | as live | history: begins nothing, ends or breaks a delay that runs; the latest value is looked at once all is heard |
/// | retained, with a time of its own that is younger than `staleAfter` | as live | history likewise; nothing after a live sample that had no time of its own |
/// | retained, otherwise | only where nothing was heard live; `uncertain` or `stale` | nothing |
///
/// **What has been heard.** ``LivePlant/heardThrough`` is the time up to which everything that the broker kept for this
/// gateway has been read. It advances only by proof (``HearingProof``). Delays of alarms end by it, not by the clock.
///
/// **What was not heard here.** Values that stand in the tree (at the start; where another gateway has heard more) and
/// history are looked at once, after everything that the broker kept has been read: conditions and on-delays follow from
/// the last good value even if it is stale, off-delays only from one that is good and fresh. So a condition that stands
/// always alarms. That look never moves the alarms' position.
public struct LivePlant: Sendable {
    /// What a batch of messages, or the passing of time, calls for.
    public struct Effects: Sendable {
        public var devicesChanged = false
        /// Tags have become stale, and are to be written.
        public var tagsChanged = false
        public var alarmsPending = false
        /// Positions in the batch of messages that may answer commands; they are nothing else.
        public var answers: [Int] = []
        /// Positions in the batch of echoes, which may prove what has been heard; they are nothing else.
        public var echoes: [Int] = []
        /// Devices that have begun or ceased to flap, for the log.
        public var flapping: [Flapping] = []
        /// A payload for the log that cannot be read, or only in part. At most one of a batch; see ``UnreadableReports``.
        public var unreadable: Unreadable?

        public init() {}
    }

    /// A message that could not be read, or not as a whole.
    public struct Unreadable: Sendable, Hashable {
        /// Its beginning.
        public let topic: String
        /// The tag whose value could not be read while others could; nil when it is the whole message, or its time.
        public let tag: TagPath?
        public let failure: DecodeFailure
        /// The beginning of the payload.
        public let found: String
    }

    /// A device has begun or ceased to flap.
    public struct Flapping: Sendable, Hashable {
        public let device: TagPath
        public let hasBegun: Bool
        /// What it counts as now.
        public let state: DeviceState
    }

    /// Between two searches for silent devices.
    public static let expiryInterval: Milliseconds = 250
    /// A longer time between two looks at the clock was a pause of the process, or a leap.
    static let longestStep: Milliseconds = 1_000

    var ingest: Ingest
    var latest = LatestValues()
    var alarms: AlarmBook
    var answers: AnswerTopics
    /// Where this gateway's echoes come back; empty: nowhere.
    let echoTopic: [UInt8]
    var samples: ContiguousArray<Sample> = []
    /// Tags whose values in the birth that is being taken are dated by the birth.
    var redated: [TagID] = []
    /// Whether a tag's node is known to exist, by number.
    var nodeExists: ContiguousArray<Bool> = []
    /// Whether a tag has been heard live without a time of its own, by number: then a retained message, whatever its time,
    /// is older.
    var isHeardWithoutTime: ContiguousArray<Bool> = []
    /// Everything that the broker kept for this gateway until then has been read.
    public var heardThrough: Milliseconds { alarms.heardThrough }
    /// Tags whose latest value the alarms may not have seen, with the delays that ran according to the tag's node. They are
    /// looked at once everything has been heard that was kept until `since`.
    var unseen: [TagID: (since: Milliseconds, delays: RunningDelay.Table)] = [:]
    /// When a device was first seen, by number, as the tree has it.
    var firstSeen: [DeviceID: Milliseconds] = [:]
    /// The route of a device, by number, as the tree has it, until a message has shown which it is.
    var routesInTree: [DeviceID: String] = [:]
    var changedDevices: Set<DeviceID> = []
    /// Whether this gateway is not connected to the broker.
    var isDeaf = false
    /// What the loss of the broker has called for, until time passes.
    var owedEffects = Effects()
    /// By topic number.
    var clocks: ContiguousArray<TopicClock> = []
    /// By topic number.
    var silences = SilenceTable()
    /// Tags that more than one topic gives.
    var sharedTags: Set<TagID> = []
    /// Of these, the ones of which one topic has fallen silent and another has not yet.
    var spokenForElsewhere: Set<SilenceTable.Silent> = []
    /// The topic of a tag, by number; -1 while it is known from the tree only.
    var topicOfTag: ContiguousArray<Int32> = []
    /// What waits for the clocks of topics that are in doubt, by topic number.
    var doubts: [Int: HeldSamples] = [:]
    var heldCount = 0
    /// Samples that were let go because too many were kept, since the start.
    var heldDropped: UInt64 = 0
    /// Samples of topics whose clocks may have stepped back, should the next ones show it.
    var suspects: [Int: HeldSamples] = [:]
    /// When the first of them has been undecided for too long, without leaps.
    var nextDoubtDeadline: Milliseconds = .max
    /// When the first of the suspects may raise, without leaps.
    var nextSuspectDeadline: Milliseconds = .max
    /// The sum of all leaps of this gateway's clock.
    var leap: Milliseconds = 0
    /// The last leap, while messages may still come that were stamped before it; and the clock after it.
    var freshLeap: (by: Milliseconds, at: Milliseconds)?
    /// ``heardThrough`` by the clock without leaps, or what may be presumed in its place where no echo ever comes back.
    var provedThrough: Milliseconds = LivePlant.unproved
    var isProofPresumed = true
    /// Reception of the last message of which proof would tell more, without leaps.
    var proofWanted: Milliseconds = .min
    /// The latest moment that this value has been told of, without leaps.
    var latestMoment: Milliseconds = .min
    var lastExpiry: Milliseconds = 0
    var lastAdvance: Milliseconds = 0
    /// When alarms may be raised unheard at the earliest: so much time has been let pass since then without proof, in which
    /// this process ran and its clock did not leap.
    var unheardNotBefore: Milliseconds = .min
    var unreadableReports = UnreadableReports()
    /// The tags of the gateways themselves, by gateway; and when their statuses were last looked at, without leaps.
    var ownTags: [String: OwnTags] = [:]
    var lastStatuses: Milliseconds = LivePlant.unproved
    /// When the journal last showed a transition.
    var lastRecorded: Milliseconds = 0
    /// When the process was started that recorded it, by its own clock; `.max`: nobody knows.
    var recorderSince: Milliseconds = .max
    /// When the processes of the registered gateways were started, by their own clocks.
    var gatewayStarts: [String: Milliseconds] = [:]

    /// - Parameters:
    ///   - rules: what the configuration says about tags beside their routes.
    ///   - answerFilters: topics on which devices answer commands; what comes there is no sample.
    ///   - echoTopic: where this gateway's echoes come back; see ``HearingProof``.
    ///   - observation: what ``observed(_:)`` hears of, and what it does not count.
    ///   - hashSeed: random in a running gateway; see ``Ingest``.
    /// - Throws: the first mistake of `alarms`.
    public init(
        routes: [RouteDefinition], rules: TagRules = TagRules(), alarms: [AlarmDefinition] = [],
        answerFilters: [TopicFilter] = [],
        echoTopic: [UInt8] = [], observation: Observation = Observation(), limits: IngestLimits = IngestLimits(),
        alarmLimits: AlarmBook.Limits = AlarmBook.Limits(),
        hashSeed: UInt64 = 0
    ) throws(AlarmMistake) {
        self.echoTopic = echoTopic
        ingest = Ingest(
            routes: routes, rules: rules, alarms: alarms.map(\.tags), limits: limits, observation: observation,
            hashSeed: hashSeed)
        self.alarms = try AlarmBook(definitions: alarms, limits: alarmLimits)
        self.alarms.heardThrough = .min
        answers = AnswerTopics(filters: answerFilters, limit: limits.topics, hashSeed: hashSeed)
    }

    /// The tags that are known, by number.
    public var tags: TagTable { ingest.tags }

    /// The routes that take a topic, and whether as presence; for explanations, not for messages.
    public func routes(of topic: String) -> [(route: RouteDefinition, isPresence: Bool)] { ingest.routes(of: topic) }

    /// Tables that take nothing more, in words.
    public var fullTables: [String] { ingest.fullTables }

    /// Messages that no route takes, heard or observed, by the beginnings of their topics.
    public var unrouted: TopicPrefixCounts { ingest.unrouted.counts }

    /// Takes note of a message that was published on a topic, to count it if no route takes it. Nothing else comes of it.
    public mutating func observed(_ topic: borrowing Span<UInt8>) { ingest.observed(topic) }

    /// Counters of routing, decoding and evaluating, by name.
    public var numbers: [(name: String, value: UInt64)] {
        let counters = ingest.counters
        return [
            ("messages", counters.messages), ("samples", counters.samples), ("undecodable", counters.undecodable),
            ("unrouted", counters.unrouted), ("ignored", counters.ignored), ("refusedTopics", counters.refusedTopics),
            ("tableFull", counters.tableFull),
            ("implausibleTimes", counters.implausibleTimes), ("unreadableTimes", counters.unreadableTimes),
            ("outdated", latest.older), ("heldDropped", heldDropped),
            ("conflated", latest.conflated), ("tags", UInt64(clamping: ingest.tags.count)),
            ("devices", UInt64(clamping: ingest.devices.count)), ("flappings", ingest.devices.flappingsBegun),
            ("pendingTransitions", UInt64(clamping: alarms.pendingCount)),
            ("settledTransitions", UInt64(clamping: alarms.statistics.edgesSettled)),
            ("droppedTransitions", UInt64(clamping: alarms.statistics.edgesDropped)),
            ("overflowedTransitions", UInt64(clamping: alarms.statistics.edgesOverflowed)),
        ] + ingest.edgeNodes.numbers
    }
}
