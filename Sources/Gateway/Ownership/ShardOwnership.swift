import Logging
import Plant
import ServiceLifecycle
import Synchronization
import ZooKeeperClient
import ZooKeeperRecipes

/// Which shards this gateway owns, and the fencing lease of each.
///
/// ``OwnershipService`` says which shards to stand for. For each of them this queues for the shard's lock; of the others it
/// leaves the queue, and before it gives up one that it owns, what it has in memory is written. The wish only says who should
/// stand: the lock decides who owns, and each write made as an owner begins with a check of the lock's node.
final class ShardOwnership: Service, Sendable {
    /// How long a shard's last writes may hold its handing over up, and before them the answers to its commands.
    static let drainLimit = Duration.seconds(1)
    static let retryPause = Duration.milliseconds(500)

    /// A shard came to this gateway or left it.
    enum Change: Sendable {
        case gained(shard: Int, lease: Lease)
        case lost(shard: Int)
    }

    private struct State {
        var leases = [Lease?](repeating: nil, count: TreeLayout.shardCount)
        /// The shards to stand for; nil before the first word.
        var wanted: Set<Int>?
        var observers: [@Sendable (Change) -> Void] = []
        var settle: @Sendable (Int) async -> Void = { _ in }
        var drain: @Sendable (Int) async -> Void = { _ in }
    }

    private let client: ZooKeeperClient
    private let gateway: String
    private let clock: GatewayClock
    private let logger: Logger
    private let state = Mutex(State())
    private let turns = Wake()

    init(client: ZooKeeperClient, gateway: String, clock: GatewayClock = .system, logger: Logger) {
        self.client = client
        self.gateway = gateway
        self.clock = clock
        self.logger = logger
    }

    /// Adds someone to be told of each change. Call before ``run()``; `observer` must not block.
    func observe(_ observer: @escaping @Sendable (Change) -> Void) {
        state.withLock { $0.observers.append(observer) }
    }

    /// What is done for an owned shard before it is given up to another gateway, for ``drainLimit`` at most; the shard is
    /// still owned. Call before ``run()``.
    func beforeRelease(_ drain: @escaping @Sendable (_ shard: Int) async -> Void) {
        state.withLock { $0.drain = drain }
    }

    /// What is done before that, and is not cut off: it bounds itself. Call before ``run()``.
    func settleFirst(_ settle: @escaping @Sendable (_ shard: Int) async -> Void) {
        state.withLock { $0.settle = settle }
    }

    /// Stand for these shards, and for no others.
    func want(_ shards: Set<Int>) {
        let isNew = state.withLock { state in
            defer { state.wanted = shards }
            return state.wanted != shards
        }
        if isNew { turns.wake() }
    }

    /// The lease of `shard` when this gateway owns it and the step-down deadline lies ahead; nil otherwise.
    func lease(ofShard shard: Int) -> Lease? {
        guard let lease = state.withLock({ $0.leases.indices.contains(shard) ? $0.leases[shard] : nil }) else {
            return nil
        }
        return lease.isValid(at: clock.now()) ? lease : nil
    }

    /// All valid leases by shard, and the same as a bit mask (bit n = shard n).
    ///
    /// - Parameter matters: Which leases are looked at: each look takes three locks. The others are left as they are, and
    ///   are not in the mask.
    func owned(where matters: (_ shard: Int, Lease) -> Bool = { _, _ in true }) -> (leases: [Lease?], mask: UInt64) {
        let now = clock.now()
        var leases = state.withLock { $0.leases }
        var mask: UInt64 = 0
        for index in leases.indices {
            guard let lease = leases[index], matters(index, lease) else { continue }
            if lease.isValid(at: now) { mask |= 1 << UInt64(index) } else { leases[index] = nil }
        }
        return (leases, mask)
    }

    /// Whether shards are to come: they fall to this gateway, and it owns none yet.
    var isExpecting: Bool {
        state.withLock { $0.wanted?.isEmpty != true && $0.leases.allSatisfy { $0 == nil } }
    }

    /// Does what ``want(_:)`` says until cancelled or shut down, then gives up every shard in good order.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            // Discarding: candidacies come and go for as long as the process lives.
            await withDiscardingTaskGroup { group in
                var standing: [Int: Candidacy] = [:]
                for await _ in self.turns.turns {
                    guard let wanted = self.state.withLock({ $0.wanted }) else { continue }
                    for (shard, candidacy) in standing where !wanted.contains(shard) {
                        standing[shard] = nil
                        candidacy.stopping.wake()
                    }
                    for shard in wanted.sorted() where standing[shard] == nil {
                        let candidacy = Candidacy()
                        standing[shard] = candidacy
                        group.addTask { await self.stand(forShard: shard, candidacy) }
                    }
                }
                group.cancelAll()
            }
        }
    }

    /// One candidacy: lets it be ended without ending the others, and remembers what it has won.
    private final class Candidacy: Sendable {
        let stopping = Wake()
        let lease = Mutex<Lease?>(nil)
    }

    /// Stands for one shard's lock until told to stop, again after an error; returns when its node is gone.
    private func stand(forShard shard: Int, _ candidacy: Candidacy) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    await self.standOnce(forShard: shard, candidacy)
                    try? await self.clock.sleep(Self.retryPause)
                }
            }
            for await _ in candidacy.stopping.turns { break }
            if !Task.isCancelled, candidacy.lease.withLock({ $0 })?.isValid(at: clock.now()) == true {
                await drain(shard)
            }
            // Nobody may act as owner any more before the lock's node goes.
            lost(shard, candidacy)
            group.cancelAll()
        }
    }

    private func drain(_ shard: Int) async {
        let (settle, drain) = state.withLock { ($0.settle, $0.drain) }
        await settle(shard)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await drain(shard) }
            group.addTask { try? await self.clock.sleep(Self.drainLimit) }
            await group.next()
            group.cancelAll()
        }
    }

    private func standOnce(forShard shard: Int, _ candidacy: Candidacy) async {
        let election = LeaderElection(
            client: client, path: TreeLayout.shard(shard), identity: Array(gateway.utf8), logger: logger)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                // Ends with the election.
                for await event in election.events() {
                    switch event {
                    case .elected(let lease): self.won(lease, shard: shard, candidacy)
                    case .lost: self.lost(shard, candidacy)
                    }
                }
            }
            do { try await election.run() } catch is CancellationError {} catch {
                logger.warning("shard candidacy failed", metadata: ["shard": "\(shard)", "error": "\(error)"])
            }
            group.cancelAll()
        }
        lost(shard, candidacy)
    }

    private func won(_ lease: Lease, shard: Int, _ candidacy: Candidacy) {
        candidacy.lease.withLock { $0 = lease }
        let observers: [@Sendable (Change) -> Void] = state.withLock { state in
            state.leases[shard] = lease
            return state.observers
        }
        for observer in observers { observer(.gained(shard: shard, lease: lease)) }
    }

    /// What this candidacy had won is lost; a later candidacy for the same shard is not touched.
    private func lost(_ shard: Int, _ candidacy: Candidacy) {
        guard let lease = candidacy.lease.withLock({ $0.take() }) else { return }
        let observers: [@Sendable (Change) -> Void]? = state.withLock { state in
            guard state.leases[shard] == lease else { return nil }
            state.leases[shard] = nil
            return state.observers
        }
        for observer in observers ?? [] { observer(.lost(shard: shard)) }
    }
}
