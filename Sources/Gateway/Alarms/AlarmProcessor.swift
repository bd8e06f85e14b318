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
/// On election, before anything else: catch up with the journal (so that what the predecessor recorded is not recorded
/// twice), then take the records from the tree.
final class AlarmProcessor: Service {
    /// Transitions in one transaction.
    static let batch = 64

    private struct State {
        var lease: Lease?
        /// Token of the lease under which the journal has been caught up with.
        var prepared: Int64?
        var requestsWaiting = true
        /// Paths of the alarm nodes that stand in the tree.
        var existing: Set<String> = []
    }

    private let client: ZooKeeperClient
    private let gateway: String
    private let plant: PlantState
    private let journal: Journal
    private let gate: AcknowledgementGate
    private let announcerTurns: Wake
    private let turns: Wake
    private let counters: GatewayCounters
    private let logger: Logger
    private let election: LeaderElection
    private let state = Mutex(State())

    init(
        client: ZooKeeperClient, election: LeaderElection, gateway: String, plant: PlantState, journal: Journal,
        gate: AcknowledgementGate,
        turns: Wake, announcerTurns: Wake, counters: GatewayCounters, logger: Logger
    ) {
        self.client = client
        self.election = election
        self.gateway = gateway
        self.plant = plant
        self.journal = journal
        self.gate = gate
        self.turns = turns
        self.announcerTurns = announcerTurns
        self.counters = counters
        self.logger = logger
    }

    /// The lease of the active alarm processor, when that is this gateway and its step-down deadline lies ahead.
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

    /// Follows the election (a service of its own, which must outlive this one) and records while elected.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.followElection() }
                group.addTask { await self.watchRequests() }
                group.addTask {
                    for await _ in self.turns.turns { await self.turn() }
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
                    $0.requestsWaiting = true
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
            announcerTurns.wake()
        }
    }

    private func watchRequests() async {
        while !Task.isCancelled {
            do {
                let watch = try await client.addWatch(TreeLayout.alarmRequests, mode: .persistent)
                state.withLock { $0.requestsWaiting = true }
                turns.wake()
                for try await _ in watch {
                    state.withLock { $0.requestsWaiting = true }
                    turns.wake()
                }
            } catch is CancellationError {
                return
            } catch {
                try? await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    // MARK: Recording

    private func turn() async {
        guard let lease else {
            // What waits for a record may be all that there is of it: the broker keeps it, too, until the active processor
            // has recorded it or the hold limit is over.
            let (isWaiting, batch) = plant.pendingTransitions
            if !isWaiting { gate.passed(.alarms, through: batch) }
            return
        }
        do {
            if state.withLock({ $0.prepared }) != lease.token { try await prepare(lease) }
            while lease.isValid() {
                let (proposals, batch) = plant.proposals(limit: Self.batch, epoch: lease.token)
                if !proposals.isEmpty {
                    try await record(proposals, answering: nil, lease: lease)
                    continue
                }
                gate.passed(.alarms, through: batch)
                guard state.withLock({ $0.requestsWaiting }) else { return }
                try await answerRequests(lease)
            }
        } catch {
            // Whether the last transaction went through is open: the journal knows.
            state.withLock { $0.prepared = nil }
            if error is LeaseLost { counters.fencedWrites.add() }
            if !(error is CancellationError) {
                logger.debug("recording waits", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: .milliseconds(50))
                if !Task.isCancelled { turns.wake() }
            }
        }
    }

    /// Brings this gateway's picture up to what its predecessors left, and says in the journal who is active now.
    private func prepare(_ lease: Lease) async throws {
        let firstTime = state.withLock { $0.prepared } == nil
        try await journal.catchUp()
        let contents = try await AlarmStore(client: client).contents(logger: logger)
        plant.restoreAlarms(contents.records)
        state.withLock { state in
            state.existing = contents.nodes
            state.prepared = lease.token
        }
        if firstTime, plant.isNewEpoch(lease.token) {
            let entry = JournalEntry(
                kind: .ownership, at: WallClock.now(), gateway: gateway, epoch: lease.token, transition: "ELECTED",
                details: ["role": "alarm-processor"])
            _ = try await lease.guarded([Self.append(entry)])
            plant.noteEpoch(lease.token)
        }
        announcerTurns.wake()
    }

    /// Records transitions, in order, in one transaction; `answering` sets the answer into an operator's request with it.
    private func record(
        _ proposals: [ProposedTransition], answering request: (path: String, answer: [UInt8])?, lease: Lease
    ) async throws {
        var existing = state.withLock { $0.existing }
        var parents: Set<String> = []
        for proposal in proposals where !existing.contains(AlarmStore.nodePath(of: proposal.path)) {
            parents.insert(TreeLayout.alarms + "/" + proposal.tag.znodePath)
        }
        for parent in parents { try await client.ensurePath(parent) }

        var operations: [Operation] = []
        var entries: [JournalEntry] = []
        for proposal in proposals {
            let path = AlarmStore.nodePath(of: proposal.path)
            let data = proposal.record.serialized()
            operations.append(
                existing.insert(path).inserted
                    ? .create(path: path, data: data, mode: .persistent)
                    : .setData(path: path, data: data, version: -1))
            let entry = JournalEntry(proposal, gateway: gateway)
            entries.append(entry)
            operations.append(Self.append(entry))
        }
        if let request { operations.append(.setData(path: request.path, data: request.answer, version: -1)) }

        let results: [OperationResult]
        do {
            results = try await lease.guarded(operations)
        } catch let error as ZooKeeperError where error.code == .nodeExists || error.code == .noNode {
            // A record appeared or went behind our back: look again before the next attempt.
            state.withLock { $0.prepared = nil }
            throw error
        }
        state.withLock { $0.existing = existing }
        let created = results.compactMap { result -> String? in
            if case .created(let path, _) = result, path.hasPrefix(TreeLayout.journal) { return path }
            return nil
        }
        for proposal in proposals { plant.transitionRecorded(proposal.record) }
        journal.committed(
            zip(created, zip(entries, proposals)).map { .init(path: $0, entry: $1.0, transition: $1.1) })
        counters.transitionsRecorded.add(proposals.count)
        announcerTurns.wake()
    }

    private static func append(_ entry: JournalEntry) -> Operation {
        .create(path: TreeLayout.journalEntryPrefix, data: entry.serialized(), mode: .persistentSequential)
    }

    // MARK: Operators' requests

    private func answerRequests(_ lease: Lease) async throws {
        state.withLock { $0.requestsWaiting = false }
        do {
            let names = try await client.getChildren(TreeLayout.alarmRequests)
            let paths = names.map { TreeLayout.alarmRequests + "/" + $0 }
            let nodes = try await TreeWalk(client: client).data(of: paths)
            let open = zip(paths, nodes).compactMap { path, node in node.map { (path, $0) } }
                .sorted { $0.1.stat.czxid < $1.1.stat.czxid }
            for (path, node) in open {
                guard var request = AlarmRequest(data: node.data ?? []), request.result == nil else { continue }
                try await answer(&request, path: path, lease: lease)
            }
        } catch {
            state.withLock { $0.requestsWaiting = true }
            throw error
        }
    }

    private func answer(_ request: inout AlarmRequest, path: String, lease: Lease) async throws {
        if let mistake = request.trimOversizeText() {
            request.result = .refused
            request.reason = mistake
            _ = try await lease.guarded([.setData(path: path, data: request.serialized(), version: -1)])
            return
        }
        let answer: Result<ProposedTransition, AcknowledgementRefusal>
        if let tag = try? TagPath(request.tag) {
            answer = plant.acknowledge(
                AlarmPath(tag: tag, alarm: request.alarm), eventID: request.eventID, by: request.by,
                comment: request.comment, at: WallClock.now(), epoch: lease.token)
        } else {
            answer = .failure(.notFound)
        }
        switch answer {
        case .success(let proposal):
            request.result = .done
            try await record([proposal], answering: (path, request.serialized()), lease: lease)
        case .failure(let refusal):
            request.result = .refused
            request.reason = "\(refusal)"
            _ = try await lease.guarded([.setData(path: path, data: request.serialized(), version: -1)])
        }
    }
}
