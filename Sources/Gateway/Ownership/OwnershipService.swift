import Logging
import Plant
import ServiceLifecycle
import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// The shell around an ``OwnershipDesk``: shows it the tree and the link to the broker, and carries out what it wishes.
///
/// One loop; whatever happens wakes it, and it looks at how things stand now. A wish that could not be carried out, such as a
/// registration that could not be written, is one still when the loop turns next.
final class OwnershipService: Service, Sendable {
    /// What the wishes are carried out with.
    struct Hands: Sendable {
        /// Stand for these shards.
        var want: @Sendable (Set<Int>) -> Void
        /// Whether to stand for the alarm processor.
        var standForProcessor: @Sendable (Bool) -> Void
        /// Whether the connections to the broker may be made.
        var connect: @Sendable (Bool) -> Void
        /// The members, each time that they have changed.
        var membersSeen: @Sendable ([GatewayMember]) -> Void
    }

    /// Before a registration that could not be written is tried again.
    static let retryPause: Milliseconds = 200

    private struct State {
        var desk: OwnershipDesk
        /// What others should see of this gateway.
        var record: GatewayRecord
        var holdsName = false
        var isAnotherReady = false
    }

    private let client: ZooKeeperClient
    private let membership: Membership
    private let shardQueues: TreeCache
    private let processorQueue: TreeCache
    private let link: BrokerLinkState
    private let hands: Hands
    private let failures: FailureLog
    private let clock: GatewayClock
    private let logger: Logger
    private let outsiders: OutsiderLog
    private let state: Mutex<State>
    private let turns = Wake()

    /// - Parameter record: what the registration says at the beginning: not ready, not settled.
    init(
        client: ZooKeeperClient, record: GatewayRecord, membership: Membership, link: BrokerLinkState, hands: Hands,
        rule: OwnershipDesk.Rule = .init(), health: FailureBoard, clock: GatewayClock = .system, logger: Logger
    ) {
        self.client = client
        self.membership = membership
        self.link = link
        self.hands = hands
        failures = health.log(
            .registration, began: "this gateway's registration cannot be written; others go by an older one",
            ended: "this gateway's registration is written again")
        self.clock = clock
        self.logger = logger
        outsiders = OutsiderLog(logger, clock: clock)
        shardQueues = TreeCache(client: client, path: TreeLayout.shards, logger: logger)
        processorQueue = TreeCache(client: client, path: TreeLayout.alarmProcessor, logger: logger)
        state = Mutex(
            State(
                desk: OwnershipDesk(
                    me: record.identity.asLife, started: record.identity.started,
                    routesDigest: record.routesDigest ?? "", rule: rule,
                    at: clock.milliseconds),
                record: record))
    }

    /// Whether this gateway's registration stands, as far as has been seen.
    var holdsName: Bool { state.withLock { $0.holdsName } }

    /// Whether another member is ready: it hears what this gateway may not, as far as has been seen.
    var isAnotherReady: Bool { state.withLock { $0.isAnotherReady } }

    /// The candidates for shards and for the alarm processor that belong to a session, as far as has been seen.
    func candidates(ofSession session: Int64) -> [String] {
        [shardQueues, processorQueue].flatMap { cache in
            let snapshot = cache.snapshot
            return snapshot.paths.filter { snapshot.value($0)?.stat.ephemeralOwner == session }
        }
    }

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.shardQueues.run() }
                group.addTask { try await self.processorQueue.run() }
                group.addTask { await self.link.follow { self.linkChanged(isUp: $0) } }
                group.addTask { for await _ in self.membership.members() { self.turns.wake() } }
                group.addTask { for await _ in self.shardQueues.changes() { self.turns.wake() } }
                group.addTask { for await _ in self.processorQueue.changes() { self.turns.wake() } }
                group.addTask { await self.keepTime() }
                group.addTask { for await _ in self.turns.turns { await self.turn() } }
                defer { group.cancelAll() }
                try await group.waitForAll()
            }
        }
    }

    /// Hands over what this gateway owns, and takes nothing more as long as others can.
    func leave() {
        state.withLock { $0.desk.leave(at: clock.milliseconds) }
        turns.wake()
    }

    /// The same, for good: this process is being stopped.
    func stop() {
        state.withLock { $0.desk.stop(at: clock.milliseconds) }
        turns.wake()
    }

    /// Whether this gateway was asked to leave, or is being stopped.
    var isDraining: Bool { state.withLock { $0.desk.wishes.isDraining } }

    /// Whether it leaves for good.
    var isStopping: Bool { state.withLock { $0.desk.isStopping } }

    /// Takes its share again, unless it is being stopped.
    func stay() {
        state.withLock { $0.desk.stay(at: clock.milliseconds) }
        turns.wake()
    }

    /// How far a gateway has come that leaves.
    struct Departure: Sendable {
        /// What it owns, as far as has been seen.
        var holdings: OwnershipHoldings
        /// Whether it stands in no queue, neither as an owner nor behind one.
        var isDrained: Bool
        /// Why nobody can take over from it at present; nil when somebody can.
        var obstacle: LeavingObstacle?
    }

    var departure: Departure {
        state.withLock {
            Departure(holdings: $0.desk.holdings, isDrained: $0.desk.isDrained, obstacle: $0.desk.obstacle)
        }
    }

    /// The broker has kept nothing for this gateway.
    func sessionBeganAnew() {
        state.withLock { $0.desk.sessionBeganAnew(at: clock.milliseconds) }
        turns.wake()
    }

    /// Told to the desk one by one: a link that comes and goes between two turns has been lost all the same.
    private func linkChanged(isUp: Bool) {
        state.withLock { $0.desk.linkChanged(isUp: isUp, at: clock.milliseconds) }
        turns.wake()
    }

    private func keepTime() async {
        while !Task.isCancelled {
            let due = state.withLock { state in
                state.desk.nextDeadline.map { $0 - clock.milliseconds }
            }
            // Never long: a turn in between may have set an earlier time.
            try? await clock.sleep(.milliseconds(max(5, min(due ?? Self.retryPause, Self.retryPause))))
            turns.wake()
        }
    }

    private func turn() async {
        let nodes = membership.currentMembers
        let members = nodes.compactMap {
            GatewayMember(name: $0.name, data: $0.data, sessionID: $0.sessionID, registration: $0.registration)
        }
        let known = Set(members.map(\.name))
        let ghosts = nodes.map(\.name).filter { !known.contains($0) }
        let queues = shardQueues.isLoaded ? shardQueues.snapshot : nil
        let processors = processorQueue.isLoaded ? processorQueue.snapshot : nil
        // Outside of the lock, for which callers wait on the way of samples: with great weights a plan takes a while.
        let before = state.withLock { $0.desk.plan }
        let plan = before.members == members ? before : OwnershipPlan(members)
        let (wishes, notes, data) = state.withLock { state in
            let now = clock.milliseconds
            state.desk.planSeen(plan, ghosts: ghosts, at: now)
            if let queues {
                state.desk.queuesSeen(
                    (0..<TreeLayout.shardCount).map { LockQueue.names(at: TreeLayout.shard($0), in: queues) }, at: now)
            }
            if let processors {
                state.desk.processorQueueSeen(
                    LockQueue.names(at: TreeLayout.alarmProcessor, in: processors), at: now)
            }
            state.desk.advance(to: now)
            let wishes = state.desk.wishes
            state.record.isReady = wishes.isReady
            state.record.isSettled = wishes.isSettled
            state.record.isDraining = wishes.isDraining
            state.isAnotherReady = members.contains { $0.name != state.record.identity.gateway && $0.isReady }
            state.holdsName = members.contains { $0.life == state.record.identity.asLife }
            return (wishes, state.desk.takeNotes(), state.record.serialized())
        }
        hands.membersSeen(members)
        hands.connect(wishes.mayConnect)
        hands.want(wishes.shards)
        hands.standForProcessor(wishes.standsForProcessor)
        for note in notes { say(note, nodes) }
        let name = state.withLock { $0.record.identity.gateway }
        if holdsName, nodes.first(where: { $0.name == name })?.data != data {
            do {
                try await membership.update(data)
                failures.succeeded()
            } catch {
                failures.failed("\(error)")
            }
        } else {
            failures.succeeded()
        }
    }

    private func say(_ note: OwnershipDesk.Note, _ nodes: [Member]) {
        switch note {
        case .unready:
            // What is wrong with the broker is reported where it is seen.
            logger.notice("the broker cannot be heard; shards and alarms go to another gateway that can hear it")
        case .ready: logger.notice("the broker is heard; this gateway can take shards and alarms")
        case .otherRoutes(let leader):
            outsiders.warning(
                "this gateway stands by: its routes differ from those of the gateway that has served longest; give both the same routes",
                ["gateway": leader])
        case .sameRoutes: outsiders.notice("this gateway's routes are those that are served")
        case .nameTaken(let life):
            let record = nodes.first { $0.name == life.gateway }.flatMap {
                GatewayRecord(parsing: $0.data, name: life.gateway)
            }
            outsiders.warning(
                "another process has this gateway's name; give each gateway a name of its own (gateway: in linekeeper.yaml)",
                [
                    "gateway": life.gateway, "host": record?.identity.host ?? "unknown",
                    "pid": "\(record?.identity.pid ?? 0)", "started": "\(record?.identity.started ?? 0)",
                ])
        case .draining:
            logger.notice("this gateway drains: shards and alarms go to other gateways that can take them")
        case .staying: logger.notice("this gateway does not drain any more: it takes its share")
        case .ghosts(let names):
            outsiders.warning(
                "nodes below /gateways that are no gateways' records do not count; delete those that nobody keeps up: linekeeper tree delete '/gateways/NAME'",
                ["nodes": names.prefix(10).joined(separator: ", "), "count": "\(names.count)"])
        }
    }
}
