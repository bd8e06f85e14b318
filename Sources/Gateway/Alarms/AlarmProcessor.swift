import JSON
import Logging
import OrderedCollections
import Plant
import ServiceLifecycle
import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// The candidate for, and while elected the, active alarm processor.
///
/// Every gateway evaluates; the active one records: each batch of transitions is one transaction that begins with a
/// check of its election node, so that a deposed processor cannot record anything. What it could not record stays
/// pending in the ``PlantState`` of every gateway, and the next processor records it.
///
/// On election, and after every transaction whose outcome is open, before anything else: catch up with the journal (so
/// that what has been recorded is not recorded twice), then take the records from the tree. Should that not tell
/// everything yet, the tree refuses a second recording, because each record is written with its expected version. A
/// record that has gone from the tree is written again, at once.
final class AlarmProcessor: Service {
    /// Transitions in one transaction.
    static let batch = 256
    /// Records in one transaction that are written again; not bounded by bytes, because this is rare.
    static let rewriteBatch = 64
    /// Bytes of data and paths in one transaction, well below the protocol's frame limit of 1 MiB.
    static let bytesPerTransaction = 384 * 1024
    /// After a failure; doubled with each that follows.
    static let shortestPause = Duration.milliseconds(50)
    static let longestPause = Duration.seconds(1)
    /// Before an alarm whose record the tree has refused is tried again.
    static let refusalPause = Duration.seconds(1)

    struct State {
        var pause = AlarmProcessor.shortestPause
        var lease: Lease?
        /// Token of the lease under which the journal has been caught up with.
        var prepared: Int64?
        /// Whether records may have gone from the tree since they were read.
        var recordsMayHaveGone = false
        /// Nodes of alarms that this gateway removes because an operator asked for it.
        var removing: Set<String> = []
        /// Whether there may be requests in the form of earlier versions.
        var earlierRequestsWaiting = true
        var standings = AlarmStandings()
        /// Alarms whose records the tree refuses to take, and when they are tried again: they cost themselves alone.
        var refused: [AlarmPath: ContinuousClock.Instant] = [:]
        /// Dates that have to be corrected should this gateway's clock be set back.
        var misdated = MisdatedAlarms()
        /// The transitions of the last transaction, until it is known whether they are recorded.
        var unsettled: [ProposedTransition] = []
    }

    let client: ZooKeeperClient
    let gateway: String
    let plant: PlantState
    let definitions: [AlarmDefinition]
    let journal: Journal
    let known: KnownRecords
    let board: AnnouncementBoard
    let mailboxes: Mailboxes
    private let gate: AcknowledgementGate
    private let turns: Wake
    private let term: Wake
    let counters: GatewayCounters
    let clock: GatewayClock
    let logger: Logger
    let outsiders: OutsiderLog
    let failures: FailureLog
    private let watchFailures: FailureLog
    private let election: LeaderElection
    let state = Mutex(State())

    /// - Parameters:
    ///   - definitions: the alarms that are configured; records of others are not written again.
    ///   - mailboxes: what it is asked; it turns `turns` when there is something.
    ///   - term: turned when a lease has been taken up, when its term has been prepared, and when it has been lost.
    init(
        client: ZooKeeperClient, election: LeaderElection, gateway: String, plant: PlantState,
        definitions: [AlarmDefinition], journal: Journal, known: KnownRecords, board: AnnouncementBoard,
        mailboxes: Mailboxes, gate: AcknowledgementGate, turns: Wake, counters: GatewayCounters, health: FailureBoard,
        clock: GatewayClock = .system,
        logger: Logger, term: Wake
    ) {
        self.client = client
        self.election = election
        self.gateway = gateway
        self.plant = plant
        self.definitions = definitions
        self.journal = journal
        self.known = known
        self.board = board
        self.mailboxes = mailboxes
        self.gate = gate
        self.turns = turns
        self.term = term
        self.counters = counters
        self.clock = clock
        self.logger = logger
        outsiders = OutsiderLog(logger, clock: clock)
        watchFailures = health.log(
            .requests, began: "deleted alarm records, and requests of earlier versions, are not seen",
            ended: "deleted alarm records, and requests of earlier versions, are seen again")
        failures = health.log(
            .alarms, began: "alarm transitions cannot be recorded", ended: "alarm transitions are recorded again")
    }

    /// The lease of the active alarm processor, when that is this gateway and its step-down deadline lies ahead.
    /// By the client's clock, which the deadline is reckoned by: a test that lets a day pass keeps its session.
    var lease: Lease? {
        guard let lease = state.withLock({ $0.lease }), lease.isValid() else { return nil }
        return lease
    }

    /// The lease under which announcements may leave: the same, once the journal has been caught up with. Before that an
    /// entry may look unannounced that the predecessor has announced, and what came after it as well.
    var announcingLease: Lease? {
        guard let lease, state.withLock({ $0.prepared }) == lease.token else { return nil }
        return lease
    }

    /// Which owe a delivery of every transition that is recorded here.
    var channels: [Channel] { journal.board.names }

    /// Follows the election (a service of its own, which must outlive this one) and records while elected.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.followElection() }
                group.addTask {
                    await self.watch(TreeLayout.alarmRequests, mode: .persistent) { _ in
                        self.state.withLock { $0.earlierRequestsWaiting = true }
                        return true
                    }
                }
                group.addTask {
                    await self.watch(TreeLayout.alarms, mode: .persistentRecursive) { self.recordsMayHaveGone($0) }
                }
                group.addTask {
                    for await _ in self.turns.turns { await self.turn() }
                }
                group.addTask {
                    while !Task.isCancelled {
                        try? await self.clock.sleep(Self.refusalPause)
                        if self.state.withLock({ !$0.refused.isEmpty }) { self.turns.wake() }
                    }
                }
                await group.waitForAll()
            }
        }
        // What came with the last messages, while the election node is still ours.
        await turn()
    }

    private func followElection() async {
        for await event in election.events() {
            switch event {
            case .elected(let lease):
                logger.notice("active alarm processor", metadata: ["epoch": "\(lease.token)"])
                state.withLock {
                    $0.lease = lease
                    $0.prepared = nil
                    $0.earlierRequestsWaiting = true
                }
                counters.takeovers.add()
            case .lost(let reason):
                let held = state.withLock { state in
                    defer { state.lease = nil }
                    return state.lease != nil
                }
                if held { logger.notice("no longer the active alarm processor", metadata: ["reason": "\(reason)"]) }
            }
            turns.wake()
            term.wake()
        }
    }

    /// Watches a part of the tree until cancelled.
    ///
    /// - Parameter seen: told what has happened, first that anything may have; true when there is something to do.
    private func watch(_ path: String, mode: AddWatchMode, seen: (WatchElement) -> Bool) async {
        try? await SubtreeFollower(client: client, path: path, mode: mode).follow { element in
            if element == .gap { watchFailures.succeeded() }
            if seen(element) { turns.wake() }
        } failed: { error in
            watchFailures.failed("\(path): \(error)")
            try await clock.sleep(.milliseconds(200))
        }
    }

    /// A record that somebody deletes is missed by the next turn. True when one may have been.
    private func recordsMayHaveGone(_ element: WatchElement) -> Bool {
        if case .event(let event) = element {
            guard event.type == .nodeDeleted, event.path.split(separator: "/").last?.first == "@" else { return false }
        }
        return state.withLock { state in
            if case .event(let event) = element, state.removing.remove(event.path) != nil { return false }
            state.recordsMayHaveGone = true
            // A gateway that is not active reads all records when it is elected.
            return state.lease != nil
        }
    }

    // MARK: Recording

    private func turn() async {
        guard let lease else {
            // What waits for a record may be all that there is of it: the broker keeps it, too, until the active processor
            // has recorded it or the hold limit is over.
            let (isWaiting, batch) = plant.pendingTransitions
            if !isWaiting { gate.passed(.alarms, through: batch) }
            state.withLock { $0.refused = [:] }
            failures.withdrawn()
            return
        }
        do {
            if state.withLock({ $0.prepared != lease.token || $0.recordsMayHaveGone }) { try await prepare(lease) }
            try await correctDates(lease)
            var isIdle = false
            while lease.isValid() {
                // A share of each turn is the people's: in a flood they are not to wait for its end.
                let isAsked = try await answerRequests(lease, isIdle: isIdle)
                let (proposals, batch) = plant.proposals(
                    limit: Self.batch, epoch: lease.token, except: refusedNow())
                isIdle = proposals.isEmpty
                if !isIdle {
                    try await record(Self.fitting(proposals), answering: nil, lease: lease)
                    continue
                }
                gate.passed(.alarms, through: batch)
                if !isAsked { break }
            }
            if state.withLock({ $0.refused.isEmpty }) { failures.succeeded() }
            state.withLock { $0.pause = Self.shortestPause }
        } catch {
            // Whether the last transaction went through is open: the journal knows.
            state.withLock { $0.prepared = nil }
            if error is LeaseLost { counters.fencedWrites.add() }
            if error is CancellationError { return }
            failures.failed("\(error)")
            logger.debug("recording waits", metadata: ["error": "\(error)"])
            if let error = error as? ZooKeeperError, error.code == .noNode { await makeRootsAgain() }
            // Each attempt reads the journal and all records again: not twenty times per second for as long as it lasts.
            let pause = state.withLock { state in
                defer { state.pause = min(state.pause * 2, Self.longestPause) }
                return state.pause
            }
            try? await clock.sleep(pause)
            if !Task.isCancelled { turns.wake() }
        }
    }

    /// As many of them, from the first on, as one transaction has room for; at least one.
    static func fitting(_ proposals: [ProposedTransition]) -> [ProposedTransition] {
        var bytes = 0
        let count = proposals.prefix { proposal in
            bytes += proposal.record.sizeInTransaction
            return bytes <= bytesPerTransaction
        }.count
        return Array(proposals.prefix(max(1, count)))
    }

    /// Something that every transaction counts on may have been deleted.
    private func makeRootsAgain() async {
        do { try await TreeSeed(client: client, outsiders: outsiders, logger: logger).makeRoots() } catch {
            logger.debug("making roots", metadata: ["error": "\(error)"])
        }
    }

    /// Brings this gateway's picture up to what its predecessors, or a transaction of open outcome, left; says in the
    /// journal who is active now.
    private func prepare(_ lease: Lease) async throws {
        state.withLock { state in
            state.recordsMayHaveGone = false
            state.removing = []
        }
        try await journal.catchUp()
        let contents = try await AlarmStore(client: client, outsiders: outsiders).contents()
        plant.restoreAlarms(contents.records.filter(known.isCurrent))
        known.take(contents.records)
        state.withLock { $0.standings = contents.standings }
        settleDates()
        try await writeMissing(lease)
        // Announcements need not wait for the entry below.
        state.withLock { $0.prepared = lease.token }
        term.wake()
        if plant.isNewEpoch(lease.token) {
            let entry = JournalEntry(
                kind: .ownership, at: clock.wall(), gateway: gateway, epoch: lease.token, transition: "ELECTED",
                details: ["role": "alarm-processor"])
            _ = try await lease.guarded([entry.appending])
            plant.noteEpoch(lease.token)
        }
    }
}
