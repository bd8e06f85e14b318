import HeapModule

/// The state of all alarms on one gateway, active or standby.
///
/// Every gateway feeds its book with every sample, so that it could take over at any moment. Edges that the book
/// computes stay pending until they are seen in the tree: the active processor turns them into transitions
/// (`proposals`), commits those, and reports each commit back (`transitionRecorded`); a standby hears of the same
/// commits through the journal and reports them alike. Nothing else consumes a pending edge, so a lost lease or a
/// failed transaction loses none.
///
/// Before the first proposal of a term the whole of `/alarms` has to be restored.
public struct AlarmBook: Sendable {
    /// Bounds, and how far two computations of one edge may lie apart.
    public struct Limits: Sendable, Hashable {
        /// Edges that one alarm may have pending. Beyond it the oldest goes; the newest state always stays.
        public var pendingPerAlarm = 8_192
        /// Edges that all alarms together may have pending. Beyond it an alarm that gets a new one gives up its older
        /// ones, so that at most one an alarm comes on top.
        public var pendingTotal = 65_536
        /// For samples without a source time: how far our date of an edge may lie from the recorded one.
        public var matchWindow: Milliseconds = 5_000
        /// How far apart the dates of one edge are at two gateways that have both heard its sample live.
        public var liveWindow: Milliseconds = 250
        /// How much later than an edge of the backlog something has to be dated that is recorded after it; see ``Backlog``.
        public var settledAfter: Milliseconds = 500
        /// How long nothing may be heard beyond the end of an on-delay before its alarm is raised unheard.
        public var unheardAfter: Milliseconds = 10_000
        /// For samples without a source time: how long we wait for a sample that the active processor has already acted
        /// upon.
        public var echoWindow: Milliseconds = 1_000

        public init() {}
    }

    /// Counters since the start.
    public struct Statistics: Sendable, Hashable {
        /// Samples that one alarm's evaluation ignored: older than the newest, or a repetition.
        public var samplesIgnored = 0
        /// Edges computed here.
        public var edgesComputed = 0
        /// Edges computed here and seen recorded.
        public var edgesMatched = 0
        /// Edges computed here that the record has passed by.
        public var edgesSuperseded = 0
        /// Records that nothing was computed for here, or that told more than we had heard.
        public var recordsAdopted = 0
        /// Edges of the backlog that the active processor had recorded before (``Backlog``).
        public var edgesSettled = 0
        /// Edges given up by `dropPending`.
        public var edgesDropped = 0
        /// Edges given up for `Limits.pendingPerAlarm` or `pendingTotal`.
        public var edgesOverflowed = 0

        public init() {}
    }

    public let definitions: [AlarmDefinition]
    public let limits: Limits
    public internal(set) var statistics = Statistics()
    /// Everything received until then has been passed in: delays end by it. As it is, everything is heard the moment it
    /// is said.
    public var heardThrough: Milliseconds = .max
    /// Edges that wait to be recorded.
    public internal(set) var pendingCount = 0
    /// Whether an alarm waits to be recorded of which nothing was computed in an earlier life.
    public var hasNewPending: Bool { agenda.alarms.count > resumed.count }
    /// Rises whenever what waits to be recorded may have changed.
    public internal(set) var pendingRevision: UInt64 = 0
    /// Whether the last sample passed a limit of one of its tag's alarms, in either direction.
    public internal(set) var changedPhase = false

    /// By definition.
    let rules: [AlarmRule]
    /// By alarm number. Evaluators are apart from the rest because every sample touches them.
    var evaluators: ContiguousArray<AlarmEvaluator> = []
    var ledgers: ContiguousArray<AlarmLedger> = []
    /// The deadline under which an alarm stands in `deadlines`; `.max` when it does not.
    var scheduled: ContiguousArray<Milliseconds> = []
    private var numbers: [AlarmPath: Int] = [:]
    /// By tag number: which part of `bindings` are its alarms.
    private(set) var slots: ContiguousArray<Range<Int>> = []
    private(set) var bindings: ContiguousArray<Int> = []
    var agenda = AlarmAgenda()
    var deadlines = Heap<Deadline>()
    var scratch: [AlarmEdge] = []
    var clock = ReceptionClock()
    /// Alarms with pending edges of the backlog.
    var backlogged: Set<Int> = []
    /// Alarms with pending edges that were computed in an earlier life.
    var resumed: Set<Int> = []
    /// No edge of the backlog is settled by what is dated before.
    var settlesNotBefore: Milliseconds = .min

    struct Deadline: Comparable, Sendable {
        let time: Milliseconds
        let alarm: Int

        static func < (left: Deadline, right: Deadline) -> Bool {
            left.time == right.time ? left.alarm < right.alarm : left.time < right.time
        }
    }

    /// Throws the first mistake when definitions cannot be used; `AlarmDefinition.mistakes(in:)` tells all of them.
    public init(definitions: [AlarmDefinition], limits: Limits = Limits()) throws(AlarmMistake) {
        if let first = AlarmDefinition.mistakes(in: definitions).first { throw first.mistake }
        self.definitions = definitions
        self.limits = limits
        rules = definitions.map(AlarmRule.init)
    }
}

// MARK: - Which alarms there are

extension AlarmBook {
    /// Finds the alarms of a tag; call it once when the tag gets its number, before its first sample. Numbers are small
    /// and dense. Returns how many alarms apply.
    @discardableResult
    public mutating func bind(tag: TagID, path: TagPath) -> Int {
        let start = bindings.endIndex
        for (index, definition) in definitions.enumerated() where definition.tags.matches(path) {
            bindings.append(number(of: AlarmPath(tag: path, alarm: definition.name), definition: index))
        }
        while slots.count <= tag.index { slots.append(0..<0) }
        slots[tag.index] = start..<bindings.endIndex
        return bindings.endIndex - start
    }

    /// Whether any alarm watches a tag.
    public func hasAlarms(_ tag: TagID) -> Bool { tag.index < slots.count && !slots[tag.index].isEmpty }

    /// The record of an alarm as far as we have seen it; nil when it was never active.
    public func record(of path: AlarmPath) -> AlarmRecord? { numbers[path].flatMap { ledgers[$0].committed } }

    /// All records that we have seen, in no particular order.
    public var records: [AlarmRecord] { ledgers.compactMap(\.committed) }

    /// The condition as evaluated here, which may be ahead of the record; nil when no such alarm is bound.
    public func condition(of path: AlarmPath) -> AlarmCondition? { numbers[path].map { evaluators[$0].condition } }

    /// Where an alarm stands as evaluated here; `normal` when no such alarm is bound.
    public func standing(of path: AlarmPath) -> AlarmStanding {
        numbers[path].map { evaluators[$0].standing } ?? .normal
    }

    /// The definition behind an alarm; nil when none applies to that tag.
    public func definition(of path: AlarmPath) -> AlarmDefinition? {
        definitions.first { $0.name.utf8.elementsEqual(path.alarm.utf8) && $0.tags.matches(path.tag) }
    }

    /// The number of an alarm, given when it is first heard of; nil when it is not configured.
    mutating func number(of path: AlarmPath) -> Int? {
        if let number = numbers[path] { return number }
        let definition = definitions.firstIndex {
            $0.name.utf8.elementsEqual(path.alarm.utf8) && $0.tags.matches(path.tag)
        }
        return definition.map { number(of: path, definition: $0) }
    }

    private mutating func number(of path: AlarmPath, definition: Int) -> Int {
        if let number = numbers[path] { return number }
        let number = ledgers.count
        numbers[path] = number
        ledgers.append(AlarmLedger(path: path, definition: definition))
        evaluators.append(AlarmEvaluator(rules[definition], clockSetBack: clock.setBack))
        scheduled.append(.max)
        return number
    }
}
