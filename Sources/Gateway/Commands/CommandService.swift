import Logging
import MQTT
package import Plant
import ServiceLifecycle
import Synchronization
import ZooKeeperClient
package import ZooKeeperRecipes

/// The commands of the shards that this gateway owns: from `/commands/<id>` to the device and back into the record.
///
/// A ``CommandDesk`` decides; this is the shell that reads the tree for it, performs what it asks for and tells it what became
/// of that. Every record is written in a transaction that begins with a check of the shard's lock node and creates the journal
/// entry; every publication leaves before the shard's step-down deadline or not at all.
///
/// All gateways follow `/commands`, so that a takeover starts from what is in memory: only the open commands are read again.
package final class CommandService: Service, Sendable {
    package struct Configuration: Sendable {
        package var plant: String
        package var gateway: String
        package var definitions: [CommandDefinition]
        package var limits = CommandDesk.Limits()
        /// How long a shutdown waits for devices to answer what has been sent to them.
        package var drainTime = Duration.seconds(3)

        package init(plant: String, gateway: String, definitions: [CommandDefinition]) {
            self.plant = plant
            self.gateway = gateway
            self.definitions = definitions
        }
    }

    /// What has been counted since the start.
    package struct Counters: Sendable, Hashable {
        package var desk = CommandDesk.Counters()
        /// Transitions recorded by this gateway.
        package var recorded: UInt64 = 0
        /// Writes and publications that did not go out because the shard's lease was no longer valid.
        package var fenced: UInt64 = 0
        /// Nodes below `/commands` that are no command records, as they stand now.
        package var malformed = 0
        package var announced: UInt64 = 0
        package var announcementsDropped: UInt64 = 0
        /// Open commands, of all owners.
        package var open = 0
    }

    struct State {
        var desk: CommandDesk
        /// Shards that are ours, and those that will be once the tree has been read again.
        var leases: [Int: Lease] = [:]
        var gains: [Int: Lease] = [:]
        /// What the next round reads.
        var changed: Set<String> = []
        var mustList = true
        /// Nodes that are no command records, with the transaction that last changed them.
        var malformed: [String: Int64] = [:]
        var counters = Counters()
        /// Shards whose requests are being answered.
        var answering: Set<Int> = []
        var isDraining = false
        /// By how much the wall clock has been set, all in all, as far as the desk knows.
        var clockTotal: Milliseconds
    }

    /// Nodes that are no command records and are remembered, so that each is logged once.
    static let malformedLimit = 10_000
    /// Between one look at whether commands have settled and the next.
    static let settlingLook = Duration.milliseconds(5)

    let client: ZooKeeperClient
    let publisher: any MessagePublisher
    let configuration: Configuration
    let reading: @Sendable (TagPath) -> Interlock.Reading?
    let metric: @Sendable (MetricAddress) -> KnownMetric
    let announcer: CommandAnnouncer
    let mailboxes: Mailboxes
    let failures: FailureLog
    let recordFailures: FailureLog
    let refusedRecords = RefusedNodes<String>()
    let clock: GatewayClock
    let logger: Logger
    let outsiders: OutsiderLog
    let state: Mutex<State>
    let turns = Wake()
    /// Turned when a request may have come that this gateway has to answer.
    let requestTurns: Wake
    private let actions: AsyncStream<CommandAction>
    private let actionSink: AsyncStream<CommandAction>.Continuation

    /// - Parameters:
    ///   - announcer: which this service keeps running.
    ///   - reading: the latest value of a tag, for interlocks and verifications; called on any thread, must not block.
    ///   - metric: what is known of a metric of Sparkplug B; the same.
    init(
        client: ZooKeeperClient, publisher: any MessagePublisher, configuration: Configuration,
        announcer: CommandAnnouncer, mailboxes: Mailboxes, requestTurns: Wake,
        reading: @escaping @Sendable (TagPath) -> Interlock.Reading?,
        metric: @escaping @Sendable (MetricAddress) -> KnownMetric, health: FailureBoard,
        clock: GatewayClock = .system,
        logger: Logger
    ) {
        self.client = client
        self.publisher = publisher
        self.configuration = configuration
        self.reading = reading
        self.metric = metric
        self.clock = clock
        self.logger = logger
        outsiders = OutsiderLog(logger, clock: clock)
        self.announcer = announcer
        self.mailboxes = mailboxes
        self.requestTurns = requestTurns
        failures = health.log(
            .commands, began: "commands cannot be read", ended: "commands are read again")
        recordFailures = health.log(
            .commandRecords, began: "what becomes of commands cannot be recorded; those that come after them wait",
            ended: "what becomes of commands is recorded again")
        state = Mutex(
            State(
                desk: CommandDesk(
                    gateway: configuration.gateway, catalogue: CommandCatalogue(configuration.definitions),
                    limits: configuration.limits), clockTotal: clock.look().total))
        // One action a command at most: bounded by the desk.
        (actions, actionSink) = AsyncStream.makeStream()
    }

    package var counters: Counters {
        state.withLock { state in
            var counters = state.counters
            counters.desk = state.desk.counters
            counters.open = state.desk.count
            counters.malformed = state.malformed.count
            counters.announced = announcer.announced
            counters.announcementsDropped = announcer.dropped
            return counters
        }
    }

    // MARK: Inputs, from any thread; none blocks

    /// This gateway owns the shard. Its commands are taken up once they have been read again.
    package func shardGained(_ shard: Int, lease: Lease) {
        feed { state, _ in
            state.leases[shard] = nil
            state.gains[shard] = lease
            return state.desk.shardLost(shard)
        }
        turns.wake()
    }

    /// It does not any more.
    package func shardLost(_ shard: Int) {
        feed { state, _ in
            state.gains[shard] = nil
            state.leases[shard] = nil
            return state.desk.shardLost(shard)
        }
        forgetRefusedRecords()
        if state.withLock({ $0.leases.isEmpty && $0.gains.isEmpty }) { recordFailures.withdrawn() }
    }

    /// Sends nothing more of a shard that is about to be handed over, and returns once none of its commands is under way.
    ///
    /// One that is being recorded as sent or published is waited for as long as the lease is valid, because no other owner can
    /// bring that to its end; for the answer to one that has been sent `limit` at most.
    package func settle(_ shard: Int, answersWithin limit: Duration) async {
        feed { state, _ in
            state.desk.settle(shard)
            return []
        }
        let end = clock.now() + limit
        while !Task.isCancelled {
            let now = clock.now()
            let (settlement, isOwned) = state.withLock { state in
                (state.desk.settlement(of: shard), state.leases[shard]?.isValid(at: now) == true)
            }
            if !isOwned || settlement == .settled || settlement == .awaiting && now >= end { return }
            try? await clock.sleep(Self.settlingLook)
        }
    }

    /// A device's message on one of the plant's answer filters (``PlantDefinition/answerFilters()``). Retained ones are old and must not be passed.
    package func offer(topic: [UInt8], payload: [UInt8], correlation: [UInt8]? = nil) {
        feed { state, now in
            state.desk.answerReceived(topic: topic, payload: payload, correlation: correlation, at: now)
        }
    }

    /// Commands in the tree, as far as this gateway has seen.
    package var knownCount: Int { state.withLock { $0.desk.knownCount } }

    /// Tells the desk something, and has performed what follows from it.
    func feed(_ input: (inout State, Milliseconds) -> [CommandAction]) {
        var actions = change(input)
        // What is asked of tags is answered at once, here; that leads to at most one further action each.
        while !actions.isEmpty {
            var further: [CommandAction] = []
            for action in actions {
                if case .judge(let ticket, let tags, let address) = action {
                    let readings = tags.map { tag in (try? TagPath(tag)).flatMap(reading) }
                    let sight = address.map { MetricSight(metric($0), reading: reading) }
                    further += change { state, now in
                        state.desk.judged(ticket, readings: readings, metric: sight, at: now)
                    }
                } else {
                    actionSink.yield(action)
                }
            }
            actions = further
        }
    }

    /// A look at the clock comes before every input: no command is judged by one that has just been set.
    private func change(_ input: (inout State, Milliseconds) -> [CommandAction]) -> [CommandAction] {
        state.withLock { state in
            let sight = clock.look()
            if sight.total != state.clockTotal {
                state.desk.clockLeapt(by: sight.total.subtractingClamped(state.clockTotal))
                state.clockTotal = sight.total
            }
            state.desk.clockDoubt = sight.doubt
            return input(&state, sight.wall)
        }
    }

    // MARK: Running

    /// Runs until cancelled or shut down. A graceful shutdown sends nothing more, waits for the answers to what has been sent
    /// (``Configuration/drainTime``) and ends; give up the shards only afterwards.
    package func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.followTree() }
            group.addTask { await self.readTree() }
            group.addTask { await self.perform() }
            group.addTask { await self.keepTime() }
            group.addTask { await self.followBroker() }
            group.addTask { await self.answerRequests() }
            group.addTask { await self.journalRefusals() }
            group.addTask { await self.announcer.run() }
            group.addTask {
                try? await gracefulShutdown()
                if !Task.isCancelled { await self.drain() }
            }
            // All run until they are cancelled, or until the drain is over.
            await group.next()
            group.cancelAll()
        }
    }

    private func perform() async {
        await withDiscardingTaskGroup { group in
            for await action in actions {
                group.addTask { await self.perform(action) }
            }
        }
    }

    /// A timer that need not be exact: deadlines are checked again where they count, on the MQTT thread and in the device.
    private func keepTime() async {
        while !Task.isCancelled {
            feed { state, now in state.desk.advance(to: now) }
            let next = state.withLock { $0.desk.nextDeadline }
            let pause = next.map { max(1, min(25, $0.subtractingClamped(clock.wall()))) } ?? 100
            try? await clock.sleep(.milliseconds(pause))
        }
    }

    private func followBroker() async {
        for await connection in publisher.connectionUpdates() {
            feed { state, now in
                state.desk.brokerAvailable(connection.isConnected && !state.isDraining, at: now)
            }
        }
        // Ends with our own task only; a publisher that is shut down stays disconnected.
        while !Task.isCancelled { try? await clock.sleep(.seconds(1)) }
    }

    private func drain() async {
        feed { state, now in
            state.isDraining = true
            return state.desk.brokerAvailable(false, at: now)
        }
        let end = clock.now() + configuration.drainTime
        while !Task.isCancelled, clock.now() < end {
            let isBusy = state.withLock { $0.desk.isUnderway } || !announcer.isIdle
            if !isBusy { break }
            try? await clock.sleep(.milliseconds(10))
        }
        await writeRefusals(all: true)
    }

    // MARK: What was refused

    private func journalRefusals() async {
        while !Task.isCancelled {
            do { try await clock.sleep(.seconds(1)) } catch { return }
            await writeRefusals()
            forgetRefusedRecords()
            announcer.withdrawIfIdle()
        }
    }

    /// Writes the entries whose minute is over. A gateway without shards has refused nothing, or little.
    private func writeRefusals(all: Bool = false) async {
        let instant = clock.now()
        guard mailboxes.hasRefusals,
            let lease = state.withLock({ $0.leases.values.first { $0.isValid(at: instant) } })
        else { return }
        let entries = mailboxes.takeRefusals(all: all)
        guard !entries.isEmpty else { return }
        do { _ = try await lease.guarded(entries.map(\.appending)) } catch {
            // What was refused has done nothing; that it was refused stands in the counters as well.
            if !(error is LeaseLost || error is CancellationError) {
                recordFailures.failed("refused requests: \(error)")
            }
        }
    }
}
