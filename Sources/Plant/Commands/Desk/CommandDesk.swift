import HeapModule
import JSON

/// The life of every command of the shards that this gateway owns, as one machine without I/O or clock.
///
/// It learns what is seen in the tree, which shards come and go, what became of the actions that it asked for, what the
/// devices answer and what time it is; each input returns the actions that follow from it. The rules:
///
/// - **At most once**: `SENT` is recorded, then the command is published, once. There is one publication for each recorded
///   transition to `SENT`, and the guarded, version-checked write lets that transition happen once in a command's life. When
///   it cannot be told whether the publication left, the command is `UNKNOWN`; when it certainly did not, `FAILED`.
/// - **At most once, after a takeover**: a command that a former owner recorded as `SENT` is never sent again. Its answer is
///   awaited until its deadline; only then it is `UNKNOWN`, and until then the device's next commands wait. One that has no
///   answer, or whose definition is not here, has nothing to wait for: `UNKNOWN` at once.
/// - **Idempotent**: published, then `SENT` is recorded. A publication whose outcome is unclear, and one that a predecessor had
///   sent before a takeover, is sent again under the same id (`attempt` + 1) while the deadline allows it.
/// - **Order**: commands of one device are sent in the order in which their nodes were created (czxid), each after the one
///   before it is over. Devices do not wait for each other.
/// - **Deadline**: passed before sending, `EXPIRED`; after it, `TIMED_OUT`.
/// - **What is not known is said**: an idempotent command may have been published by a former owner that died before it could
///   record `SENT`. An end that says otherwise (`EXPIRED`, `CANCELLED`, …) then carries that caveat in its detail.
/// - **Nobody listens** (PUBACK reason 0x10) is `FAILED` for both kinds: the device certainly did not get it, and the operator
///   learns that at once. Only for a repetition of an idempotent command the device may have got an earlier one: that waits for
///   an answer until the deadline.
/// - **Answers** are matched by the command's id, on the answer topic of its device, from the moment it may have been published:
///   an answer may overtake the broker's acknowledgement and the record of `SENT`. The first conclusive one counts. What a device
///   answers while the command is another gateway's is kept with it: the answer to what a dying owner sent comes before its
///   successor has been elected.
/// - **A command without an answer** is `PUBLISHED` once the broker has it: nothing more is ever known. `SUCCEEDED` is only what
///   its device or a tag says.
/// - **Verification**: a tag has to show the wanted value within a time, in a sample that came after the sending. Without an
///   answer that is what ends the command; with one, it is looked for once the device has answered that it succeeded. The latest
///   value is looked at now and then (``lookPause``), by the action `judge`, so nothing waits on the way of samples, and after
///   a takeover the successor looks at what it has heard itself.
/// - **Metrics** of Sparkplug B: of which type a value goes out, the birth says that this gateway has heard (`judge`). Without one
///   the command waits for it, until its deadline. What the birth does not name, or the type cannot have, is not sent.
/// - **Clock**: while the gateway's clock is in doubt (``clockDoubt``) nobody can say whether a deadline has passed: nothing is
///   sent, and what was not sent yet is refused, by name. When the clock is set (``clockLeapt(by:)``), what is awaited
///   continues to be awaited for as long as before.
/// - **Cancelling** works while the command is `REQUESTED` and not being sent: ``CommandRecord/cancelRequestedBy``.
///
/// Phases of a command here (its state in the tree is in the record):
///
///     idle ──gained──▶ waiting ──▶ judging ──▶ recordingSent ──▶ publishing ──▶ awaitingAnswer ──▶ finishing ──▶ gone
///                         │                    (atMostOnce)   ──▶ recordingSent ──▶   ▲                ▲
///                         │                                       (idempotent)                         │
///                         └── rejected, cancelled, expired ────────────────────────────────────────────┘
///
/// With a verification, `verifying` stands between `awaitingAnswer` and `finishing`, or in place of the former.
///
/// A write whose outcome is unclear leads through `rereading` back to where it was. One that the tree refuses is tried again
/// now and then, and once the deadline of its command has passed no other one of the device waits for it. Losing the shard leads
/// back to `idle` from everywhere. What becomes of a command that stands as `SENT` when its shard is gained:
///
/// | command | answer heard while `idle` | deadline ahead | deadline passed |
/// | --- | --- | --- | --- |
/// | at most once, answers | `finishing` with it | `awaitingFormerAnswer`, then by the answer or at the deadline (`UNKNOWN`) `finishing` | `UNKNOWN` |
/// | at most once, verified only | – | `verifying`, at its end `UNKNOWN` | `verifying` for one look |
/// | at most once, neither, or no definition here | – | `UNKNOWN` | `UNKNOWN` |
/// | idempotent | `finishing` with it | `waiting`: its turn to be sent again | `TIMED_OUT`; verified only: after one look |
/// | idempotent, no definition here | – | `awaitingAnswer` until the deadline | `TIMED_OUT` |
public struct CommandDesk: Sendable {
    /// How much the desk holds. What does not fit is not lost: its record stands in the tree.
    public struct Limits: Sendable, Hashable {
        /// Open commands altogether. More are left in the tree and read again when half of them are done (``CommandAction/resync``).
        public var commands = 20_000
        /// Open commands of one device. More are rejected.
        public var commandsPerDevice = 1_000

        public init() {}
    }

    /// Counted since the desk was set up.
    public struct Counters: Sendable, Hashable {
        public var seen: UInt64 = 0
        public var published: UInt64 = 0
        public var answers: UInt64 = 0
        /// Answers that no command was waiting for, repetitions included.
        public var strayAnswers: UInt64 = 0
        public var unreadableAnswers: UInt64 = 0
        /// Commands left in the tree because the desk was full.
        public var overflowed: UInt64 = 0

        public init() {}
    }

    /// Before an unclear write is looked at again, and before a publication is repeated.
    static let retryPause: Milliseconds = 50
    /// So long, at most, the tree takes to show a gateway what another one has recorded, unless it has come later to it.
    static let treeDelay: Milliseconds = 1_000
    /// Before a record that the tree has refused is tried again.
    static let refusalPause: Milliseconds = 2_000
    /// Between one look at the tag that verifies a command and the next.
    static let lookPause: Milliseconds = 50
    /// Between one look at whether the metric that is to be written has been born and the next.
    static let birthPause: Milliseconds = 200

    let gateway: String
    let catalogue: CommandCatalogue
    let limits: Limits
    public internal(set) var counters = Counters()

    var entries: [String: Entry] = [:]
    /// Commands that have come to their end, so that nobody has to read them again.
    var over = RecentIDs()
    /// Epoch of each shard that is ours.
    var epochs: [Int: Int64] = [:]
    var idsByShard: [Int: Set<String>] = [:]
    /// Shards of ours that are about to be handed over.
    var settling: Set<Int> = []
    /// Open commands of each device in shards that are ours, in order.
    var queues: [TagPath: [Place]] = [:]
    /// Topics on which answers are awaited; for each, how they may tell their command, with the number of commands that say so.
    var listening: [[UInt8]: [CommandAnswerRule.Identification: Int]] = [:]
    var timers = Heap<Timer>()
    var isBrokerAvailable = false
    /// The leap for which the gateway's clock is in doubt, in milliseconds; nil while it is not. Set it before each input.
    public var clockDoubt: Milliseconds?
    var hasOverflowed = false
    var lastTicket: UInt64 = 0
    /// Actions that the current input has led to.
    var actions: [CommandAction] = []

    public init(gateway: String, catalogue: CommandCatalogue, limits: Limits = Limits()) {
        self.gateway = gateway
        self.catalogue = catalogue
        self.limits = limits
    }

    // MARK: Looking in

    /// When ``advance(to:)`` has something to do at the latest.
    public var nextDeadline: Milliseconds? { timers.min?.at }

    /// Open commands that are known, whosever they are.
    public var count: Int { entries.count }

    /// Commands in the tree as far as they are known, those that are over included.
    public var knownCount: Int { entries.count + over.count }

    /// Whether a command of ours is on its way to its device, or a write about one to the tree.
    public var isUnderway: Bool {
        queues.values.contains { queue in queue.contains { settlement(of: $0.id) != .settled } }
    }

    /// Whether an answer on that topic would be looked at.
    func awaitsAnswer(on topic: [UInt8]) -> Bool { listening[topic] != nil }

    /// Whether the command is known to be over.
    public func isOver(_ id: String) -> Bool { over.contains(id) }

    /// All topics on which answers are awaited now.
    public var answerTopics: Set<[UInt8]> { Set(listening.keys) }

    /// The record as far as it is known here; nil for a command that is over or was never seen.
    public func record(of id: String) -> CommandRecord? { entries[id]?.record }

    /// Whether another version of the node should be read when the tree says that it has changed: not while a write of our own
    /// is on its way, which is what has changed it.
    public func wantsChange(of id: String) -> Bool {
        if over.contains(id) { return false }
        return switch entries[id]?.phase {
        case nil, .idle?, .waiting?, .pausing?, .judging?, .rereading?, .awaitingAnswer?, .awaitingFormerAnswer?,
            .publishing?, .verifying?:
            true
        case .recordingSent?, .finishing?: false
        }
    }

    // MARK: Inputs

    /// A command's node was read. `czxid` orders the commands of a device, `version` guards the next write.
    /// Feed commands that became visible together in the order of their czxid.
    public mutating func seen(
        _ record: CommandRecord, shard: Int, czxid: Int64, version: Int32, at now: Milliseconds
    ) -> [CommandAction] {
        // A reading may be older than the write that ended the command.
        guard !over.contains(record.id) else { return taken() }
        if let entry = entries[record.id], entry.record.device != record.device || entry.place.czxid != czxid {
            // Another command under the same name: its predecessor was deleted unnoticed.
            remove(record.id, isOver: false, at: now)
        }
        if entries[record.id] != nil {
            changeSeen(record, version: version, at: now)
        } else if record.state.isFinal {
            over.insert(record.id)
        } else {
            admit(record, shard: shard, czxid: czxid, version: version, at: now)
        }
        return taken()
    }

    /// A command's node is not there any more.
    public mutating func gone(_ id: String, at now: Milliseconds) -> [CommandAction] {
        over.remove(id)
        if entries[id] != nil { remove(id, isOver: false, at: now) }
        return taken()
    }

    /// These are all the commands that there are: the nodes of others are gone.
    public mutating func listed(_ ids: Set<String>, at now: Milliseconds) -> [CommandAction] {
        over.formIntersection(ids)
        for id in entries.keys.filter({ !ids.contains($0) }).sorted() { remove(id, isOver: false, at: now) }
        return taken()
    }

    /// The shard is ours under that epoch. What the desk knows of the shard's commands must be fresh: read them first.
    public mutating func shardGained(_ shard: Int, epoch: Int64, at now: Milliseconds) -> [CommandAction] {
        if let known = epochs[shard], known != epoch { release(shard) }
        guard epochs.updateValue(epoch, forKey: shard) == nil else { return taken() }
        let ids = idsByShard[shard, default: []].sorted { left, right in
            guard let left = entries[left]?.place, let right = entries[right]?.place else { return left < right }
            return left < right
        }
        for id in ids { start(id, at: now) }
        return taken()
    }

    /// The shard is not ours any more: nothing more is done about its commands.
    public mutating func shardLost(_ shard: Int) -> [CommandAction] {
        settling.remove(shard)
        release(shard)
        return taken()
    }

    /// Whether the connection that publishes commands stands.
    public mutating func brokerAvailable(_ isAvailable: Bool, at now: Milliseconds) -> [CommandAction] {
        isBrokerAvailable = isAvailable
        if isAvailable {
            for device in queues.keys.sorted() { pump(device, at: now) }
        }
        return taken()
    }

    /// The transition is recorded; the node has that version now.
    public mutating func recorded(_ ticket: CommandTicket, version: Int32, at now: Milliseconds) -> [CommandAction] {
        if holds(ticket) { written(ticket.id, version: version, at: now) }
        return taken()
    }

    /// The transition is not recorded, or it is not known whether it is.
    public mutating func recordFailed(
        _ ticket: CommandTicket, _ failure: CommandWriteFailure, at now: Milliseconds
    ) -> [CommandAction] {
        if holds(ticket) { writeFailed(ticket.id, failure, at: now) }
        return taken()
    }

    /// The publication is over.
    ///
    /// - Parameter handedOver: when it was handed to the connection, where it had to wait for that; nil: at once.
    public mutating func published(
        _ ticket: CommandTicket, _ outcome: CommandPublishOutcome, handedOver: Milliseconds? = nil, at now: Milliseconds
    ) -> [CommandAction] {
        if holds(ticket) { publicationOver(ticket.id, outcome, handedOver: handedOver, at: now) }
        return taken()
    }

    /// The tags' latest values, in the order in which they were asked for; and what is known of the metric.
    public mutating func judged(
        _ ticket: CommandTicket, readings: [Interlock.Reading?], metric: MetricSight? = nil, at now: Milliseconds
    ) -> [CommandAction] {
        if holds(ticket) {
            switch entries[ticket.id]?.phase {
            case .verifying?: tagRead(ticket.id, readings.first ?? nil, metric, at: now)
            case nil, .idle?, .waiting?, .pausing?, .judging?, .recordingSent?, .publishing?, .awaitingAnswer?,
                .awaitingFormerAnswer?, .finishing?, .rereading?:
                inputsRead(ticket.id, readings, metric, at: now)
            }
        }
        return taken()
    }

    /// A message came on a topic where answers may come.
    /// - Parameter correlation: the correlation data that it carried (MQTT 5).
    public mutating func answerReceived(
        topic: [UInt8], payload: [UInt8], correlation: [UInt8]? = nil, at now: Milliseconds
    ) -> [CommandAction] {
        answered(topic, payload, correlation: correlation, at: now)
        return taken()
    }

    /// The wall clock has been set by so much; `now` of all further inputs is by the clock as it is set.
    public mutating func clockLeapt(by leap: Milliseconds) { moveTimers(by: leap) }

    /// Time has passed: deadlines and pauses that end now or have ended.
    public mutating func advance(to now: Milliseconds) -> [CommandAction] {
        while let next = timers.min, next.at <= now {
            timers.removeMin()
            timerFired(next.id, at: now)
        }
        return taken()
    }

    private mutating func taken() -> [CommandAction] {
        if hasOverflowed, entries.count <= limits.commands / 2 {
            hasOverflowed = false
            actions.append(.resync)
        }
        compactTimers()
        defer { actions = [] }
        return actions
    }

    private func holds(_ ticket: CommandTicket) -> Bool { entries[ticket.id]?.ticket == ticket.number }
}
