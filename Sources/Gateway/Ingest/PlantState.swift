import Logging
import MQTT
import Plant
import Synchronization

/// What this gateway knows of the plant right now: bindings, newest values, devices, alarms.
///
/// One lock, taken once a batch. Everything inside is a pure value of the `Plant` module; everything that waits, writes
/// or publishes stands outside and takes what it needs through the methods below.
final class PlantState: Sendable {
    /// What a batch, or the passing of time, calls for.
    struct Effect: Sendable {
        var devicesChanged = false
        var alarmsPending = false
        /// Positions in the batch of messages that may answer commands; they are nothing else.
        var answers: [Int] = []
    }

    private struct State {
        var ingest: Ingest
        var mirror = MirrorTable()
        var alarms: AlarmBook
        var answers: AnswerTopics
        var samples: ContiguousArray<Sample> = []
        /// Whether a tag's node is known to exist, by number.
        var nodeExists: ContiguousArray<Bool> = []
        /// When a device was first seen, by number, as the tree has it.
        var firstSeen: [DeviceID: Milliseconds] = [:]
        var changedDevices: Set<DeviceID> = []
        var newestBatch: UInt64 = 0
        /// Until when messages may be what the broker had queued while this gateway was away.
        var backlogUntil: Milliseconds = 0
        var lastExpiry: Milliseconds = 0
        var lastAdvance: Milliseconds = 0
        var overflowLogged = 0
        /// When the journal last showed a transition.
        var lastRecorded: Milliseconds = 0
        var announcedEpoch: Int64 = 0
        var nextUndecodableLog: Milliseconds = 0
    }

    /// After a connection, messages whose own time is older than their device's `staleAfter` are taken for queued ones
    /// during this time: they update values and raise no live alarm. Later, an old time is just a device's wrong clock.
    static let backlogPeriod: Milliseconds = 10_000
    /// Between two searches for silent devices.
    static let expiryInterval: Milliseconds = 250
    /// Between two log lines about payloads that cannot be read.
    static let undecodableLogInterval: Milliseconds = 10_000

    private let state: Mutex<State>
    private let logger: Logger

    init(
        configuration: GatewayConfiguration, answerFilters: [TopicFilter], logger: Logger
    ) throws {
        var limits = IngestLimits()
        limits.topics = configuration.limits.maxTopics
        limits.tags = configuration.limits.maxTags
        limits.payloadBytes = configuration.limits.maxPayload
        let ingest = Ingest(routes: configuration.routes, limits: limits, hashSeed: .random(in: .min ... .max))
        state = Mutex(
            State(
                ingest: ingest, alarms: try AlarmBook(definitions: configuration.alarms),
                answers: AnswerTopics(filters: answerFilters, limit: limits.topics)))
        self.logger = logger
    }

    // MARK: What comes in

    /// Takes a batch of messages; the hot path.
    func take(_ batch: MQTTMessageBatch) -> Effect {
        var effect = Effect()
        var unreadable: (topic: String, failure: DecodeFailure)?
        state.withLock { state in
            let bytes = batch.storage.span
            for (position, entry) in batch.entries.enumerated() {
                let topic = bytes.extracting(entry.topicRange)
                if state.answers.contain(topic) {
                    if !entry.retain { effect.answers.append(position) }
                    continue
                }
                let outcome = state.ingest.message(
                    topic: topic, payload: bytes.extracting(entry.payloadRange), retained: entry.retain,
                    receivedAt: entry.receivedAtMs, into: &state.samples)
                if outcome.isNewTopic { Self.bind(outcome.newTags, in: &state) }
                if let deviceState = outcome.deviceState, let device = outcome.device {
                    Self.deviceChanged(device, to: deviceState, at: entry.receivedAtMs, in: &state)
                    effect.devicesChanged = true
                }
                if case .undecodable(let failure) = outcome.result, entry.receivedAtMs >= state.nextUndecodableLog {
                    state.nextUndecodableLog = entry.receivedAtMs &+ Self.undecodableLogInterval
                    unreadable = (String(decoding: batch.storage[entry.topicRange].prefix(200), as: UTF8.self), failure)
                }
                for sample in state.samples {
                    if Self.evaluate(sample, in: &state) { effect.alarmsPending = true }
                }
                state.samples.removeAll(keepingCapacity: true)
            }
            state.newestBatch = batch.number
        }
        if let unreadable {
            logger.warning(
                "payload that no route can read (told at most once in ten seconds; counted as undecodable)",
                metadata: ["topic": "\(unreadable.topic)", "why": "\(unreadable.failure)"])
        }
        return effect
    }

    /// Mirror and alarms of one sample; true when it left an alarm transition.
    private static func evaluate(_ sample: Sample, in state: inout State) -> Bool {
        let outcome = state.mirror.record(sample, tags: state.ingest.tags)
        switch outcome {
        case .older, .retainedAfterLive: return false
        case .changed, .withinDeadband, .behindTree: break
        }
        guard let value = sample.value else {
            return state.alarms.sampleReceived(
                tag: sample.tag, value: .nan, quality: .bad, sourceTime: sample.sourceTime,
                hasSourceTime: sample.hasSourceTime, receivedTime: sample.receivedTime)
        }
        guard let number = value.doubleValue else { return false }
        // A live reading counts whatever its clock says: a device with a wrong clock must not go unwatched.
        var quality = sample.isRetained ? sample.quality : .good
        if !sample.isRetained, sample.hasSourceTime, sample.receivedTime < state.backlogUntil,
            let staleAfter = state.ingest.devices[state.ingest.tags[sample.tag].device].staleAfter,
            sample.receivedTime &- sample.sourceTime > staleAfter
        {
            quality = .uncertain
        }
        return state.alarms.sampleReceived(
            tag: sample.tag, value: number, quality: quality, sourceTime: sample.sourceTime,
            hasSourceTime: sample.hasSourceTime, receivedTime: sample.receivedTime)
    }

    private static func bind(_ tags: Range<Int>, in state: inout State) {
        for number in tags {
            let tag = TagID(rawValue: UInt32(truncatingIfNeeded: number))
            state.alarms.bind(tag: tag, path: state.ingest.tags[tag].path)
        }
        while state.nodeExists.count < state.ingest.tags.count { state.nodeExists.append(false) }
    }

    private static func deviceChanged(
        _ device: DeviceID, to deviceState: DeviceState, at now: Milliseconds, in state: inout State
    ) {
        state.changedDevices.insert(device)
        if state.firstSeen[device] == nil { state.firstSeen[device] = now }
        guard deviceState != .online else { return }
        for tag in state.ingest.tags.tags(of: device) where state.mirror.markStale(tag) {
            // Frozen until the next good sample: silence neither raises an alarm of this kind nor clears one.
            _ = state.alarms.sampleReceived(
                tag: tag, value: .nan, quality: .stale, sourceTime: now, hasSourceTime: false, receivedTime: now)
        }
    }

    /// The broker has taken us back.
    func brokerConnected(at now: Milliseconds) {
        state.withLock { $0.backlogUntil = now &+ Self.backlogPeriod }
    }

    /// The process did not run for a while, in which it could not have heard any device.
    func wasStopped(for time: Duration) {
        let now = WallClock.now()
        state.withLock { $0.ingest.forgiveSilence(time.wholeMilliseconds, at: now) }
    }

    /// Lets time pass: ends alarm delays, finds silent devices.
    func advance(to now: Milliseconds) -> Effect {
        state.withLock { state in
            var effect = Effect()
            state.lastAdvance = now
            effect.alarmsPending = state.alarms.advance(to: now)
            if now &- state.lastExpiry >= Self.expiryInterval || now < state.lastExpiry {
                state.lastExpiry = now
                var expired: [DeviceID] = []
                state.ingest.expireDevices(at: now, into: &expired)
                for device in expired { Self.deviceChanged(device, to: .stale, at: now, in: &state) }
                effect.devicesChanged = !expired.isEmpty
            }
            return effect
        }
    }

    /// Whether time has been let pass after `moment`: a gateway in which it has not is stuck.
    func hasAdvanced(since moment: Milliseconds) -> Bool { state.withLock { $0.lastAdvance >= moment } }

    /// Transitions that were given up, unrecorded, because too many were waiting; told once for each further one.
    func newlyOverflowed() -> Int {
        state.withLock { state in
            let total = state.alarms.statistics.edgesOverflowed
            defer { state.overflowLogged = total }
            return total - state.overflowLogged
        }
    }

    /// The number of the newest batch taken.
    var newestBatch: UInt64 { state.withLock { $0.newestBatch } }

    // MARK: Tags to be written

    /// Changed tags of the owned shards, as they should stand in the tree now, and the newest batch they include.
    func takeChanged(ownedBy mask: UInt64, limit: Int) -> (writes: [TagWrite], batch: UInt64) {
        state.withLock { state in
            var tags: [TagID] = []
            state.mirror.takeDirty(ownedBy: mask, limit: limit, into: &tags)
            let writes = tags.compactMap { tag -> TagWrite? in
                var data: [UInt8] = []
                data.reserveCapacity(96)
                guard state.mirror.encode(tag, tags: state.ingest.tags, into: &data) else { return nil }
                let description = state.ingest.tags[tag]
                return TagWrite(
                    tag: tag, path: TreeLayout.tags + "/" + description.znodePath, shard: description.shard,
                    exists: state.nodeExists[tag.index], data: data)
            }
            return (writes, state.newestBatch)
        }
    }

    func written(_ writes: [TagWrite]) {
        state.withLock { state in
            for write in writes where !write.exists { state.nodeExists[write.tag.index] = true }
        }
    }

    func writeFailed(_ writes: [TagWrite]) {
        state.withLock { $0.mirror.markDirty(writes.lazy.map(\.tag)) }
    }

    /// What the nodes of some tags of owned shards hold, as just read; nil: there is none.
    func tagNodes(_ nodes: [(tag: TagID, data: [UInt8]?)]) {
        let records = Self.records(nodes)
        state.withLock { state in
            Self.noteExistence(nodes, in: &state)
            for (tag, record) in records { state.mirror.reconcile(tag, with: record, tags: state.ingest.tags) }
        }
    }

    /// This gateway has come to own a shard: nobody knows what the last owner got written of its devices. Of its tags,
    /// ``reconcile(shards:tags:)`` will tell.
    func shardGained(_ shard: Int) {
        state.withLock { state in
            for device in state.ingest.devices.all
            where state.ingest.devices[device].shard == shard && state.firstSeen[device] != nil {
                state.changedDevices.insert(device)
            }
        }
    }

    /// A tag's newest value, for interlocks; nil when nothing is known of it.
    func value(of path: TagPath) -> MirrorTable.Entry? {
        state.withLock { state in state.ingest.tags.id(of: path).flatMap { state.mirror.entry($0) } }
    }

    // MARK: Devices to be written

    func takeChangedDevices(ownedBy mask: UInt64, limit: Int) -> [DeviceChange] {
        state.withLock { state in
            var changes: [DeviceChange] = []
            for device in state.changedDevices where changes.count < limit {
                let description = state.ingest.devices[device]
                guard mask >> UInt64(description.shard) & 1 == 1 else { continue }
                let (deviceState, since) = state.ingest.devices.state(of: device)
                changes.append(
                    DeviceChange(
                        device: device, znodePath: description.znodePath, shard: description.shard,
                        record: DeviceRecord(
                            device: description.path.text, route: description.route ?? "",
                            firstSeen: state.firstSeen[device] ?? since, state: deviceState, since: since)))
            }
            for change in changes { state.changedDevices.remove(change.device) }
            return changes
        }
    }

    func deviceWritesFailed(_ changes: [DeviceChange]) {
        state.withLock { $0.changedDevices.formUnion(changes.lazy.map(\.device)) }
    }

    // MARK: Alarms

    /// The transitions that are to be recorded next, and the newest batch that they cover.
    func proposals(limit: Int, epoch: Int64) -> (proposals: [ProposedTransition], batch: UInt64) {
        state.withLock { ($0.alarms.proposals(limit: limit, epoch: epoch), $0.newestBatch) }
    }

    /// Whether any transition waits to be recorded, and the newest batch.
    var pendingTransitions: (isWaiting: Bool, batch: UInt64) {
        state.withLock { ($0.alarms.pendingCount > 0, $0.newestBatch) }
    }

    func transitionRecorded(_ record: AlarmRecord) {
        let now = WallClock.now()
        state.withLock { state in
            state.lastRecorded = now
            _ = state.alarms.transitionRecorded(record, at: now)
        }
    }

    func restoreAlarms(_ records: [AlarmRecord]) {
        let now = WallClock.now()
        state.withLock { $0.alarms.restore(records, at: now) }
    }

    func acknowledge(
        _ path: AlarmPath, eventID: String?, by: String, comment: String?, at now: Milliseconds, epoch: Int64
    ) -> Result<ProposedTransition, AcknowledgementRefusal> {
        state.withLock {
            $0.alarms.acknowledge(path, eventID: eventID, by: by, comment: comment, at: now, epoch: epoch)
        }
    }

    /// Gives up what a live active processor has evidently not agreed with.
    func dropPending(olderThan moment: Milliseconds, at now: Milliseconds) {
        // A processor that has recorded nothing since may just not hear the broker: that is no disagreement.
        let dropped = state.withLock { $0.alarms.dropPending(olderThan: min(moment, $0.lastRecorded), at: now) }
        if dropped > 0 {
            logger.warning(
                "alarm transitions computed here were not recorded by the active processor, which has heard other samples",
                metadata: ["transitions": "\(dropped)"])
        }
    }

    /// Whether the journal does not say yet that this epoch has begun.
    func isNewEpoch(_ epoch: Int64) -> Bool { state.withLock { $0.announcedEpoch != epoch } }

    func noteEpoch(_ epoch: Int64) { state.withLock { $0.announcedEpoch = epoch } }

    // MARK: What the tree has of shards that this gateway has come to own

    /// These shards in groups that hold about as many tags each.
    func groups(ofShards mask: UInt64, tagsPerGroup: Int) -> [UInt64] {
        let counts = state.withLock { state in
            state.ingest.tags.all.reduce(into: [Int](repeating: 0, count: ShardMap.shardCount)) {
                $0[state.ingest.tags[$1].shard] += 1
            }
        }
        var groups: [UInt64] = []
        var group: UInt64 = 0
        var size = 0
        for shard in counts.indices where mask >> UInt64(shard) & 1 == 1 {
            if group != 0, size + counts[shard] > tagsPerGroup {
                groups.append(group)
                group = 0
                size = 0
            }
            group |= 1 << UInt64(shard)
            size += counts[shard]
        }
        return group == 0 ? groups : groups + [group]
    }

    /// Tags of these shards that are known to have a node. Of the others the attempt to make one will tell.
    func tagsInTree(ofShards mask: UInt64) -> [(tag: TagID, path: String)] {
        state.withLock { state in
            state.ingest.tags.all.compactMap { tag in
                let description = state.ingest.tags[tag]
                guard mask >> UInt64(description.shard) & 1 == 1, state.nodeExists[tag.index] else { return nil }
                return (tag, TreeLayout.tags + "/" + description.znodePath)
            }
        }
    }

    /// Takes up what the tree has of these shards: all tags of ``tagsInTree(ofShards:)``, nil where the node has gone.
    func reconcile(shards mask: UInt64, tags nodes: [(tag: TagID, data: [UInt8]?)]) {
        let records = Self.records(nodes)
        state.withLock { state in
            Self.noteExistence(nodes, in: &state)
            state.mirror.reconcile(ownedBy: mask, with: records, tags: state.ingest.tags)
        }
    }

    /// Outside the lock, which samples and alarms wait for.
    private static func records(_ nodes: [(tag: TagID, data: [UInt8]?)]) -> [TagID: TagRecord] {
        let now = WallClock.now()
        var records: [TagID: TagRecord] = [:]
        for (tag, data) in nodes {
            guard let record = data.flatMap(TagRecord.init(parsing:)), isBelieved(record, at: now) else { continue }
            records[tag] = record
        }
        return records
    }

    private static func noteExistence(_ nodes: [(tag: TagID, data: [UInt8]?)], in state: inout State) {
        for (tag, data) in nodes { state.nodeExists[tag.index] = data != nil }
    }

    /// Whether a record may make samples be refused: not when it was written under a clock that was ahead.
    private static func isBelieved(_ record: TagRecord, at now: Milliseconds) -> Bool {
        max(record.sourceTime, record.receivedTime) <= now &+ IngestLimits().clockLead
    }

    // MARK: What the tree knows already

    func seedTag(znodePath: String, data: [UInt8]) {
        guard let path = try? TagPath(znodePath: znodePath), var record = TagRecord(parsing: data) else { return }
        let now = WallClock.now()
        // It must not make the tag deaf until that time comes.
        let isBelieved = Self.isBelieved(record, at: now)
        if !isBelieved {
            record.sourceTime = now
            record.receivedTime = now
        }
        state.withLock { state in
            let known = state.ingest.tags.count
            guard let tag = state.ingest.tag(for: path, at: now) else { return }
            Self.bind(known..<state.ingest.tags.count, in: &state)
            state.nodeExists[tag.index] = true
            state.mirror.seed(tag, record, isTimeBelieved: isBelieved, tags: state.ingest.tags)
        }
    }

    func seedDevice(_ record: DeviceRecord) {
        guard let path = try? TagPath(record.device) else { return }
        let now = WallClock.now()
        state.withLock { state in
            guard let device = state.ingest.device(for: path, at: now) else { return }
            state.firstSeen[device] = record.firstSeen
            state.ingest.seed(device: device, state: record.state, since: record.since, at: now)
        }
    }

    // MARK: Numbers

    /// Counters of routing and decoding, by name.
    var numbers: [(name: String, value: UInt64)] {
        state.withLock { state in
            let ingest = state.ingest.counters
            return [
                ("messages", ingest.messages), ("samples", ingest.samples), ("undecodable", ingest.undecodable),
                ("unrouted", ingest.unrouted), ("refusedTopics", ingest.refusedTopics), ("tableFull", ingest.tableFull),
                ("implausibleTimes", ingest.implausibleTimes), ("outdated", state.mirror.older),
                ("conflated", state.mirror.conflated), ("tags", UInt64(clamping: state.ingest.tags.count)),
                ("devices", UInt64(clamping: state.ingest.devices.count)),
                ("pendingTransitions", UInt64(clamping: state.alarms.pendingCount)),
                ("droppedTransitions", UInt64(clamping: state.alarms.statistics.edgesDropped)),
                ("overflowedTransitions", UInt64(clamping: state.alarms.statistics.edgesOverflowed)),
            ]
        }
    }
}

/// A tag whose node is to be written.
struct TagWrite: Sendable {
    var tag: TagID
    /// The node's path.
    var path: String
    var shard: Int
    /// Whether the node is known to exist.
    var exists: Bool
    var data: [UInt8]
}

/// Tells the topics on which devices answer commands from those that carry samples; such a topic often matches a route
/// as well. Each topic is compared with the filters once.
private struct AnswerTopics {
    private let filters: [TopicFilter]
    private var known: TopicTable
    private var isAnswer: ContiguousArray<Bool> = []

    init(filters: [TopicFilter], limit: Int) {
        self.filters = filters
        known = TopicTable(limit: limit, byteLimit: 16 << 20, seed: .random(in: .min ... .max))
    }

    mutating func contain(_ topic: borrowing Span<UInt8>) -> Bool {
        if filters.isEmpty { return false }
        let number = known.find(topic)
        if number >= 0 { return isAnswer[number] }
        var answers = false
        for filter in filters where filter.matches(topic) { answers = true }
        if known.insert(topic) != nil { isAnswer.append(answers) }
        return answers
    }
}
