import Logging
import MQTT
import Plant
import ServiceLifecycle
import Synchronization
import ZooKeeperClient
import ZooKeeperRecipes

/// Brings back the retained alarm records that a broker has lost.
///
/// The active alarm processor compares what the broker retains with the records in the tree: once per term, whenever the
/// listening session is gone, which is how a broker shows that it has lost its memory, and when the publishing connection
/// has come back, because a broker that is killed comes back with the sessions and records that it last wrote to its disk.
/// Records that differ or are missing are published again, through the one place that publishes records (``Announcer``),
/// without events.
///
/// To read what is retained it subscribes on the publishing connection and then sends an echo to itself, whose own
/// subscription comes behind that of the records: when the echo comes back, so have the retained records. A broker that
/// delivers them later than that, or does not let us read them, costs a record that is published once too often; so does
/// one that retains more than ``/Plant/RetainedComparison`` holds.
final class RetainedRecords: Service {
    /// How long the echo may take.
    static let patience = Duration.seconds(5)
    static let retryPause = Duration.seconds(1)
    /// Between two comparisons because the publishing connection came back: a link that flaps must not have the broker show
    /// all that it retains each time.
    static let reconnectionSpacing = Duration.seconds(10)

    private struct Reading {
        let echo: [UInt8]
        /// Of this reading alone: a stream whose consumer was cancelled has ended.
        let echoes = Wake()
        var comparison = RetainedComparison()
        var isComplete = false
    }

    private struct State {
        /// How often the broker may have lost what it retained.
        var losses = 0
        /// The term and the losses that were compared last.
        var compared: (term: Int64, losses: Int)?
        var reading: Reading?

        /// Whether nothing may have been lost since the comparison of this term.
        func hasCompared(in term: Int64) -> Bool { compared.map { $0 == (term, losses) } ?? false }
    }

    private let client: ZooKeeperClient
    private let broker: any RetainedMessageSource
    private let board: AnnouncementBoard
    private let known: KnownRecords
    private let topics: AlarmTopics
    private let echoTopic: String
    private let session: @Sendable () -> AsyncStream<MQTTConnectionState>
    private let term: @Sendable () -> Int64?
    private let lease: @Sendable () -> Lease?
    private let clock: GatewayClock
    private let logger: Logger
    private let outsiders: OutsiderLog
    private let failures: FailureLog
    private let state = Mutex(State())
    private let turns: Wake

    /// - Parameters:
    ///   - session: how the listening connection stands, from now on.
    ///   - turns: woken when a term has been prepared, and when it has ended; see ``Returns``.
    ///   - term: the active processor's term, when that is this gateway.
    ///   - lease: the lease under which announcements may leave.
    init(
        client: ZooKeeperClient, broker: any RetainedMessageSource, board: AnnouncementBoard, known: KnownRecords,
        topics: AlarmTopics, gateway: String, session: @escaping @Sendable () -> AsyncStream<MQTTConnectionState>,
        turns: Wake,
        term: @escaping @Sendable () -> Int64?, lease: @escaping @Sendable () -> Lease?,
        health: FailureBoard, clock: GatewayClock, logger: Logger
    ) {
        self.client = client
        self.broker = broker
        self.board = board
        self.known = known
        self.topics = topics
        echoTopic = topics.echo(of: gateway)
        self.session = session
        self.turns = turns
        self.term = term
        self.lease = lease
        self.clock = clock
        self.logger = logger
        outsiders = OutsiderLog(logger, clock: clock)
        failures = health.log(
            .retained, began: "retained alarm records cannot be compared",
            ended: "retained alarm records are compared again")
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.followSession() }
                group.addTask { await self.followPublishing() }
                group.addTask {
                    for await _ in self.turns.turns { await self.turn() }
                }
                await group.waitForAll()
            }
        }
    }

    /// Whether this gateway is the active alarm processor and has compared what there is to compare.
    var hasCompared: Bool { term().map { term in state.withLock { $0.hasCompared(in: term) } } ?? false }

    private func followSession() async {
        var isFirst = true
        for await state in session() {
            guard case .connected(let sessionPresent) = state else { continue }
            // The first connection of a process finds no session that it could have lost.
            if !isFirst, !sessionPresent {
                self.state.withLock { $0.losses += 1 }
                turns.wake()
            }
            isFirst = false
        }
    }

    private func followPublishing() async {
        var last: ContinuousClock.Instant?
        var isFirst = true
        for await state in broker.connectionUpdates() where state.isConnected {
            if !isFirst {
                let now = clock.now()
                if let last, now - last < Self.reconnectionSpacing {
                    try? await clock.sleep(Self.reconnectionSpacing - (now - last))
                }
                last = clock.now()
                self.state.withLock { $0.losses += 1 }
            }
            isFirst = false
            turns.wake()
        }
    }

    private func turn() async {
        guard let term = term() else {
            let hadTerm = state.withLock { state in
                defer { state.compared = nil }
                return state.compared != nil
            }
            if hadTerm { board.termEnded() }
            failures.withdrawn()
            return
        }
        let (losses, isDone) = state.withLock { state in
            (state.losses, state.hasCompared(in: term))
        }
        guard !isDone, lease() != nil, broker.connectionState.isConnected else { return }
        do {
            if broker.brokerRetainsMessages { try await compare() }
            state.withLock { $0.compared = (term, losses) }
            failures.succeeded()
        } catch {
            if error is CancellationError { return }
            failures.failed("\(error)")
            try? await clock.sleep(Self.retryPause)
        }
        if !Task.isCancelled { turns.wake() }
    }

    // MARK: Comparing

    private func compare() async throws {
        let (comparison, isComplete) = try await read()
        let records = try await AlarmStore(client: client, outsiders: outsiders).contents().records
        guard lease() != nil else { throw LeaseLost(path: TreeLayout.alarmProcessor, reason: .deadlinePassed) }
        let differing = comparison.differing(from: records)
        board.recordsLost(differing)
        removeStrays(comparison.strays(besides: records))
        if comparison.overflowed > 0 {
            logger.warning(
                "the broker retains more below the alarms' topic than can be compared; remove what is not linekeeper's",
                metadata: [
                    "topic": "\(topics.records)#", "compared": "\(comparison.count)",
                    "more": "\(comparison.overflowed)",
                ])
        }
        if !isComplete {
            logger.notice(
                "the broker does not show which alarm records it retains; those that it has not shown are published again",
                metadata: ["shown": "\(comparison.count)", "published": "\(differing.count)"])
        } else if !differing.isEmpty {
            logger.notice(
                "the broker does not retain these alarm records as they are; they are published again",
                metadata: ["retained": "\(comparison.count)", "published": "\(differing.count)"])
        }
    }

    /// A broker that comes back with what it last wrote to its disk has alarms again that were removed. Of others that the
    /// tree does not have, nobody knows better than the operators.
    private func removeStrays(_ strays: [AlarmRecord]) {
        var unknown: [String] = []
        var removed: [AlarmRecord] = []
        for stray in strays {
            if let revision = known.forgottenRevision(of: stray.path), stray.revision <= revision {
                removed.append(stray)
                removed[removed.count - 1].revision = revision
            } else if known.record(of: stray.path) == nil {
                unknown.append(topics.record(of: stray.path))
            }
        }
        if !removed.isEmpty { board.recordsLost(removed, areRemoved: true) }
        guard let first = unknown.first else { return }
        outsiders.notice(
            "the broker retains alarms that the tree does not have; mosquitto_pub -r -n -t TOPIC removes one",
            ["topics": "\(unknown.count)", "first": first])
    }

    /// What the broker retains; incomplete when it did not show all of it in time.
    private func read() async throws -> (RetainedComparison, isComplete: Bool) {
        let echo = Array(String(UInt64.random(in: .min ... .max), radix: 16).utf8)
        state.withLock { $0.reading = Reading(echo: echo) }
        defer { state.withLock { $0.reading = nil } }
        let filter = topics.records + "#"
        // At most once: of that the broker queues more, and a message that is lost is only published once too often.
        try broker.subscribe(MQTTSubscription(filter: filter, qos: .atMostOnce))
        defer { try? broker.unsubscribe(filter) }
        try broker.subscribe(MQTTSubscription(filter: echoTopic, qos: .atLeastOnce))
        defer { try? broker.unsubscribe(echoTopic) }
        do {
            _ = try await broker.publish(
                topic: echoTopic, payload: echo, qos: .atLeastOnce, retain: false, properties: MQTTProperties(),
                notAfter: nil)
            await waitForEcho()
        } catch let error as MQTTError {
            // A broker that refuses the echo will refuse it again; anything else is worth another attempt.
            guard error.outcome != .failed else { throw error }
        }
        // What was in flight when the connection broke says nothing about what the broker retains.
        guard broker.connectionState.isConnected else { throw MQTTError.connectionLost }
        return state.withLock { state in
            (state.reading?.comparison ?? RetainedComparison(), state.reading?.isComplete ?? false)
        }
    }

    private func waitForEcho() async {
        guard let echoes = state.withLock({ $0.reading?.echoes }) else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in echoes.turns where self.state.withLock({ $0.reading?.isComplete ?? true }) {
                    return
                }
            }
            group.addTask { try? await self.clock.sleep(Self.patience) }
            await group.next()
            group.cancelAll()
        }
    }

    /// Takes a message that came on the publishing connection. False when it is none of ours.
    func heard(topic: some Collection<UInt8>, payload: [UInt8], isRetained: Bool) -> Bool {
        if topic.elementsEqual(echoTopic.utf8) {
            let echoes = state.withLock { state in
                if state.reading?.echo == payload { state.reading?.isComplete = true }
                return state.reading?.echoes
            }
            echoes?.wake()
            return true
        }
        let prefix = topics.records.utf8
        guard topic.starts(with: prefix) else { return false }
        // What is published now is on its way through the announcer, who knows.
        if isRetained {
            let alarm = String(decoding: topic.dropFirst(prefix.count), as: UTF8.self)
            state.withLock { $0.reading?.comparison.retained(alarm, payload: payload) }
        }
        return true
    }
}
