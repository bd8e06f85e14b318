import Logging
import MQTT
import Plant
import PlantConfiguration
import Primitives
import Synchronization

/// The gateway's ``LivePlant`` behind its lock, taken once per batch, together with the number of the newest batch.
///
/// Samples wait for this lock, so nothing under it waits or logs, and records of the tree are parsed
/// under it in small portions only.
final class PlantState: Sendable {
    private struct State {
        var plant: LivePlant
        var newestBatch: UInt64 = 0
        var lastAdvance: ContinuousClock.Instant?
        var overflowLogged = 0
        var announcedEpoch: Int64 = 0
        /// By how much the wall clock has been set, all in all, as far as the plant knows.
        var clockTotal: Milliseconds
    }

    private let state: Mutex<State>
    private let clock: GatewayClock
    private let logger: Logger
    private let outsiders: OutsiderLog

    init(
        _ definition: PlantDefinition, limits bounds: GatewayLimits, answerFilters: [TopicFilter], echoTopic: String,
        observation: Observation = Observation(), clock: GatewayClock, logger: Logger
    ) throws {
        var limits = IngestLimits()
        limits.topics = bounds.maxTopics
        // The number that is configured decides: the bound on bytes is for topics as long as no plant has them.
        limits.topicBytes = max(limits.topicBytes, limits.topics * IngestLimits.usualTopicBytes)
        // Each device has a topic.
        limits.devices = max(limits.devices, limits.topics)
        limits.tags = bounds.maxTags
        limits.payloadBytes = bounds.maxPayload
        var plant = try LivePlant(
            routes: definition.routes, rules: definition.tags, alarms: definition.alarms + GatewayFault.alarms,
            answerFilters: answerFilters,
            echoTopic: Array(echoTopic.utf8), observation: observation, limits: limits,
            hashSeed: .random(in: .min ... .max))
        plant.brokerLost(at: clock.wall())
        state = Mutex(State(plant: plant, clockTotal: clock.look().total))
        self.clock = clock
        self.logger = logger
        outsiders = OutsiderLog(logger, clock: clock)
    }

    // MARK: What comes in

    /// Takes a batch of messages; the hot path.
    func take(_ batch: MQTTMessageBatch) -> LivePlant.Effects {
        var effects = LivePlant.Effects()
        change { state, _ in
            let bytes = batch.storage.span
            for (position, entry) in batch.entries.enumerated() {
                state.plant.messageReceived(
                    topic: bytes.extracting(entry.topicRange), payload: bytes.extracting(entry.payloadRange),
                    retained: entry.retain, receivedAt: entry.receivedAtMs, position: position, effects: &effects)
            }
            state.newestBatch = batch.number
        }
        if let unreadable = effects.unreadable {
            logger.warning(
                "a payload cannot be read as its route says (a topic is named once in ten minutes; all are counted)",
                metadata: [
                    "topic": "\(unreadable.topic)", "tag": unreadable.tag.map { "\($0)" },
                    "why": "\(unreadable.failure)", "found": "\(unreadable.found)",
                ].compactMapValues { $0 })
        }
        tell(effects.flapping)
        return effects
    }

    private func tell(_ flapping: [LivePlant.Flapping]) {
        for flapping in flapping {
            let values: KeyValuePairs = ["device": flapping.device.text, "state": flapping.state.rawValue]
            if flapping.hasBegun {
                outsiders.warning("a device flaps: it counts as away until it is there without a break", values)
            } else {
                outsiders.notice("a device has ceased to flap", values)
            }
        }
    }

    /// Messages to a batch of which ``observe(_:)`` holds the lock once.
    private static let observedAtOnce = 256

    /// Counts what no route takes of what was observed. The lock is given up in between: a topic that was never seen may be
    /// held against all routes.
    func observe(_ batch: MQTTMessageBatch) {
        let bytes = batch.storage.span
        for start in stride(from: 0, to: batch.entries.count, by: Self.observedAtOnce) {
            state.withLock { state in
                for entry in batch.entries[start..<min(start + Self.observedAtOnce, batch.entries.count)] {
                    state.plant.observed(bytes.extracting(entry.topicRange))
                }
            }
        }
    }

    /// Changes the plant at the present time. If the wall clock has been set, the plant learns of that first. The clocks are read
    /// under the lock, so that nothing stamped after the change comes before it.
    private func change<Result>(_ body: (inout State, _ now: Milliseconds) -> Result) -> Result {
        state.withLock { state in
            let sight = clock.look()
            if sight.total != state.clockTotal {
                state.plant.clockLeapt(
                    by: sight.total.subtractingClamped(state.clockTotal), away: sight.away, at: sight.wall)
                state.clockTotal = sight.total
            }
            return body(&state, sight.wall)
        }
    }

    /// There is no connection to the broker.
    func brokerLost() { change { $0.plant.brokerLost(at: $1) } }

    /// The broker has taken this gateway back.
    func brokerConnected() { change { $0.plant.brokerConnected(at: $1) } }

    /// The process did not run for a while, in which it could not have heard any device.
    func wasPaused(for time: Duration) { change { $0.plant.wasPaused(for: time.wholeMilliseconds, at: $1) } }

    /// Lets time pass; see ``LivePlant/advance(to:raisesUnheard:)``.
    func advance(raisesUnheard: Bool) -> LivePlant.Effects {
        let effects = change { state, now in
            state.lastAdvance = clock.now()
            return state.plant.advance(to: now, raisesUnheard: raisesUnheard)
        }
        tell(effects.flapping)
        return effects
    }

    /// Everything that the broker kept for this gateway until `time` has been read.
    func heard(through time: Milliseconds) -> LivePlant.Effects {
        change { $0.plant.heard(through: time, at: $1) }
    }

    /// What the gateways say about themselves, this one included; see ``LivePlant/statusesRead(_:at:)``.
    func statusesRead(_ statuses: [GatewayStatusRecord]) -> LivePlant.Effects {
        change { $0.plant.statusesRead(statuses, at: $1) }
    }

    /// Whether proof is wanted of what has been heard.
    func wantsProof() -> Bool { change { $0.plant.wantsProof(at: $1) } }

    /// Whether time has been let pass within the last `time`: a gateway in which it has not is stuck.
    func hasAdvanced(within time: Duration) -> Bool {
        let now = clock.now()
        return state.withLock { state in state.lastAdvance.map { now - $0 <= time } ?? false }
    }

    /// Transitions that were given up, unrecorded, because too many were waiting; told once for each further one.
    func newlyOverflowed() -> Int {
        state.withLock { state in
            let total = state.plant.overflowedTransitionCount
            defer { state.overflowLogged = total }
            return total - state.overflowLogged
        }
    }

    /// The number of the newest batch taken.
    var newestBatch: UInt64 { state.withLock { $0.newestBatch } }

    // MARK: Edge nodes

    /// Whether this gateway is the one that asks edge nodes first for births; see ``LivePlant/asksFirstForBirths(_:at:)``.
    func asksFirstForBirths(_ asksFirst: Bool) { change { $0.plant.asksFirstForBirths(asksFirst, at: $1) } }

    /// The next edge node that is to be asked now; what is taken counts as sent.
    func takeRebirth() -> RebirthRequest? { change { $0.plant.takeRebirth(at: $1) } }

    /// What is known of a metric that a command writes.
    func metric(at address: MetricAddress) -> KnownMetric { state.withLock { $0.plant.metric(at: address) } }

    /// A request that was taken could not be sent.
    func rebirthFailed(_ request: RebirthRequest) { change { $0.plant.rebirthFailed(request, at: $1) } }

    // MARK: Tags to be written

    /// The shards with changed tags.
    var unwrittenShards: UInt64 { state.withLock { $0.plant.unwrittenShards } }

    /// Changed tags of the owned shards, as they should stand in the tree now; whether there are more of them than `limit`,
    /// or others in a shard that had none when it was looked which shards are owned; and the newest batch that all of them
    /// include.
    ///
    /// - Parameter looked: The shards that had changed tags then.
    func takeChanged(
        ownedBy shards: UInt64, among looked: UInt64 = .max, limit: Int
    ) -> (writes: [TagWrite], isMore: Bool, batch: UInt64) {
        state.withLock { state in
            let writes = state.plant.takeChanged(ownedBy: shards, limit: limit)
            return (writes, state.plant.unwrittenShards & (shards | ~looked) != 0, state.newestBatch)
        }
    }

    /// How many tags of these shards wait to be written.
    func unwrittenCount(ownedBy shards: UInt64) -> Int { state.withLock { $0.plant.unwrittenCount(ownedBy: shards) } }

    func written(_ writes: [TagWrite]) { state.withLock { $0.plant.written(writes) } }

    func writeFailed(_ writes: [TagWrite]) { state.withLock { $0.plant.writeFailed(writes) } }

    func writeFailed(_ tags: [TagID]) { state.withLock { $0.plant.writeFailed(tags) } }

    /// This gateway has come to own a shard.
    func shardGained(_ shard: Int) { state.withLock { $0.plant.shardGained(shard) } }

    /// A tag's latest value as an interlock may take it; nil when nothing is known of it.
    func interlockReading(of path: TagPath) -> Interlock.Reading? {
        change { state, _ in state.plant.interlockReading(of: path) }
    }

    /// A tag's latest value; nil when nothing is known of it.
    func value(of path: TagPath) -> LatestValues.Entry? { change { state, _ in state.plant.value(of: path) } }

    // MARK: Devices to be written

    func takeChangedDevices(ownedBy shards: UInt64, limit: Int) -> [DeviceChange] {
        state.withLock { $0.plant.takeChangedDevices(ownedBy: shards, limit: limit) }
    }

    func deviceWritesFailed(_ devices: [DeviceID]) { state.withLock { $0.plant.deviceWritesFailed(devices) } }

    // MARK: Alarms

    /// The transitions that are to be recorded next, and the newest batch that they cover.
    func proposals(
        limit: Int, epoch: Int64, except excluded: Set<AlarmPath> = []
    ) -> (proposals: [ProposedTransition], batch: UInt64) {
        let (unrecorded, batch) = state.withLock {
            ($0.plant.unrecorded(limit: limit, except: excluded), $0.newestBatch)
        }
        return (unrecorded.proposals(epoch: epoch), batch)
    }

    /// Whether any transition waits to be recorded that the broker still has the sample of, and the newest batch. What an
    /// earlier life has computed stands on the disk, and nobody else may ever record it.
    var pendingTransitions: (isWaiting: Bool, batch: UInt64) {
        state.withLock { ($0.plant.hasNewPendingTransitions, $0.newestBatch) }
    }

    /// What waits to be recorded.
    struct WaitingTransitions {
        let count: Int
        /// Rises whenever they may have changed.
        let revision: UInt64
        /// How many have been seen recorded since the start.
        let recorded: Int
        /// The newest batch whose transitions are among them.
        let batch: UInt64
    }

    var waitingTransitions: WaitingTransitions {
        state.withLock {
            WaitingTransitions(
                count: $0.plant.pendingTransitionCount, revision: $0.plant.pendingTransitionRevision,
                recorded: $0.plant.recordedTransitionCount, batch: $0.newestBatch)
        }
    }

    /// Everything that waits to be recorded, for the disk.
    var alarmSpool: AlarmSpool { state.withLock { $0.plant.alarmSpool } }

    /// Takes up what this gateway computed in an earlier life; see ``AlarmBook/resume(_:at:)``.
    func resumeAlarms(_ spool: AlarmSpool) -> AlarmBook.Resumption { change { $0.plant.resumeAlarms(spool, at: $1) } }

    /// - Parameter isOurs: Whether this gateway has recorded it.
    func transitionRecorded(_ record: AlarmRecord, isOurs: Bool, by gateway: String? = nil) {
        change { $0.plant.transitionRecorded(record, isOurs: isOurs, by: gateway, at: $1) }
    }

    /// The gateways that are registered.
    func membersSeen(_ members: [GatewayMember]) { state.withLock { $0.plant.membersSeen(members) } }

    func restoreAlarms(_ records: [AlarmRecord]) {
        change { $0.plant.restoreAlarms(records, at: $1) }
    }

    func acknowledge(
        _ path: AlarmPath, eventID: String?, by: Principal, comment: String?, at now: Milliseconds, epoch: Int64
    ) -> Result<ProposedTransition, AcknowledgementRefusal> {
        state.withLock {
            $0.plant.acknowledge(path, eventID: eventID, by: by, comment: comment, at: now, epoch: epoch)
        }
    }

    /// Whether the configuration makes such a tag or device, or defines such an alarm.
    func defines(tag: TagPath) -> Bool { state.withLock { $0.plant.defines(tag: tag) } }
    func defines(device: TagPath) -> Bool { state.withLock { $0.plant.defines(device: device) } }
    func defines(alarm: AlarmPath) -> Bool { state.withLock { $0.plant.defines(alarm: alarm) } }

    /// Something was removed from the tree because an operator asked for it.
    func forget(_ forgotten: Forgotten) { change { $0.plant.forget(forgotten, at: $1) } }

    /// See ``LivePlant/mayForget(alarm:)``, ``LivePlant/mayForget(tag:)`` and ``LivePlant/tagsToForget(withDevice:)``.
    func mayForget(alarm: AlarmPath) throws(LivePlant.ForgettingRefusal) {
        try state.withLock { state throws(LivePlant.ForgettingRefusal) in try state.plant.mayForget(alarm: alarm) }
    }

    /// See ``LivePlant/hasUnrecorded(at:except:)``.
    func hasUnrecorded(at tags: Set<TagPath>, except excluded: Set<AlarmPath>) -> Bool {
        state.withLock { $0.plant.hasUnrecorded(at: tags, except: excluded) }
    }

    func mayForget(tag: TagPath) throws(LivePlant.ForgettingRefusal) {
        try state.withLock { state throws(LivePlant.ForgettingRefusal) in try state.plant.mayForget(tag: tag) }
    }

    func tagsToForget(withDevice device: TagPath) throws(LivePlant.ForgettingRefusal) -> [TagPath] {
        try state.withLock { state throws(LivePlant.ForgettingRefusal) in
            try state.plant.tagsToForget(withDevice: device)
        }
    }

    /// Gives up what a live active processor has evidently not agreed with.
    /// - Parameter hold: how long it is waited for the record of a transition.
    func dropPending(heldFor hold: Duration) {
        let dropped = change { state, now in
            state.plant.dropPending(olderThan: now.subtractingClamped(hold.wholeMilliseconds), at: now)
        }
        if dropped > 0 {
            logger.warning(
                "alarm transitions computed here were not recorded by the active processor, which has heard other samples",
                metadata: ["transitions": "\(dropped)"])
        }
    }

    /// Whether the journal does not say yet that this epoch has begun.
    func isNewEpoch(_ epoch: Int64) -> Bool { state.withLock { $0.announcedEpoch != epoch } }

    func noteEpoch(_ epoch: Int64) { state.withLock { $0.announcedEpoch = epoch } }

    // MARK: What the tree has

    /// Takes over a tag's node, before anything is heard.
    func seedTag(znodePath: String, data: [UInt8]) {
        change { $0.plant.seedTag(znodePath: znodePath, data: data, at: $1) }
    }

    /// Takes over a device's node, before anything is heard.
    func seedDevice(_ record: DeviceRecord) {
        change { $0.plant.seedDevice(record, at: $1) }
    }

    /// Takes in devices that others have heard of; those that are known stay as they are.
    func learnDevices(_ records: [DeviceRecord]) {
        change { state, now in
            for record in records { state.plant.learnDevice(record, at: now) }
        }
    }

    /// Takes up nodes of tags that others own; see ``LivePlant/takeUp(_:exceptOf:at:)``. The lock is given up in between.
    func takeUp(_ nodes: [(znodePath: String, data: [UInt8])], exceptOf owned: UInt64) {
        for start in stride(from: 0, to: nodes.count, by: 256) {
            change { $0.plant.takeUp(nodes[start..<min(start + 256, nodes.count)], exceptOf: owned, at: $1) }
        }
    }

    /// These shards in groups that hold about as many tags each.
    func groups(ofShards shards: UInt64, tagsPerGroup: Int) -> [UInt64] {
        state.withLock { $0.plant.groups(ofShards: shards, tagsPerGroup: tagsPerGroup) }
    }

    /// Tags of these shards that are known to have a node.
    func tagsInTree(ofShards shards: UInt64) -> [(tag: TagID, znodePath: String)] {
        state.withLock { $0.plant.tagsInTree(ofShards: shards) }
    }

    /// Takes up what the tree has of these shards: all tags of ``tagsInTree(ofShards:)``, nil where the node has gone.
    func reconcile(shards: UInt64, nodes: [LivePlant.TagNode]) {
        let records = LivePlant.records(nodes, at: clock.wall())
        change { $0.plant.reconcile(shards: shards, nodes: nodes, records: records, at: $1) }
    }

    /// The same for some tags of owned shards.
    func reconcile(nodes: [LivePlant.TagNode]) {
        let records = LivePlant.records(nodes, at: clock.wall())
        change { $0.plant.reconcile(nodes: nodes, records: records, at: $1) }
    }

    // MARK: Numbers

    /// Tables that take nothing more, in words.
    var fullTables: [String] { state.withLock { $0.plant.fullTables } }

    /// Messages that no route takes, by the beginnings of their topics.
    var unrouted: TopicPrefixCounts { state.withLock { $0.plant.unrouted } }

    /// Counters of routing, decoding and evaluating, by name.
    var numbers: [(name: String, value: UInt64)] { state.withLock { $0.plant.numbers } }
}
