import Logging
import Plant
import ServiceLifecycle
import Synchronization
import ZooKeeperClient
import ZooKeeperRecipes

/// Which shards this gateway owns, and the fencing lease of each.
///
/// The live gateways divide the 64 shards by consistent hashing with bounded load; every gateway computes the same
/// division from the same membership. A gateway stands for the lock of each shard that falls to it and takes itself out
/// of the queue of the others. The division only says who should stand: the lock decides who owns, and each write made
/// as an owner begins with a check of the lock's node.
final class ShardOwnership: Service, Sendable {
    /// A shard came to this gateway or left it.
    enum Change: Sendable {
        case gained(shard: Int, lease: Lease)
        case lost(shard: Int)
    }

    private struct State {
        var leases = [Lease?](repeating: nil, count: TreeLayout.shardCount)
        /// Whether shards fall to this gateway, as far as it knows: so it is taken before the first division.
        var isExpecting = true
        var observers: [@Sendable (Change) -> Void] = []
    }

    private let client: ZooKeeperClient
    private let gateway: String
    private let membership: Membership
    private let logger: Logger
    private let state = Mutex(State())

    init(client: ZooKeeperClient, gateway: String, membership: Membership, logger: Logger) {
        self.client = client
        self.gateway = gateway
        self.membership = membership
        self.logger = logger
    }

    /// Adds someone to be told of each change. Call before ``run()``; `observer` must not block.
    func observe(_ observer: @escaping @Sendable (Change) -> Void) {
        state.withLock { $0.observers.append(observer) }
    }

    /// The lease of `shard` when this gateway owns it and the step-down deadline lies ahead; nil otherwise.
    func lease(ofShard shard: Int) -> Lease? {
        guard let lease = state.withLock({ $0.leases.indices.contains(shard) ? $0.leases[shard] : nil }) else {
            return nil
        }
        return lease.isValid() ? lease : nil
    }

    /// All valid leases by shard, and the same as a bit mask (bit n = shard n).
    func owned() -> (leases: [Lease?], mask: UInt64) {
        let now = ContinuousClock.now
        var leases = state.withLock { $0.leases }
        var mask: UInt64 = 0
        for index in leases.indices {
            guard let lease = leases[index] else { continue }
            if lease.isValid(at: now) { mask |= 1 << UInt64(index) } else { leases[index] = nil }
        }
        return (leases, mask)
    }

    /// Whether shards are to come: they fall to this gateway, and it owns none yet.
    var isExpecting: Bool { state.withLock { state in state.isExpecting && state.leases.allSatisfy { $0 == nil } } }

    /// Follows the membership until cancelled or shut down, then gives up every shard in good order.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                var standing: [Int: Candidacy] = [:]
                for await members in self.membership.members() {
                    let names = members.map(\.name)
                    // Not (yet) a member: stand for nothing. It comes back with the next list.
                    let mine = Set(
                        names.contains(self.gateway)
                            ? ShardMap.assignment(members: names)[self.gateway] ?? [] : [])
                    if names.contains(self.gateway) { self.state.withLock { $0.isExpecting = !mine.isEmpty } }
                    for (shard, candidacy) in standing where !mine.contains(shard) {
                        standing[shard] = nil
                        candidacy.stopping.wake()
                    }
                    for shard in mine.sorted() where standing[shard] == nil {
                        let candidacy = Candidacy()
                        standing[shard] = candidacy
                        group.addTask { await self.stand(forShard: shard, candidacy) }
                    }
                    self.logger.debug(
                        "shards divided", metadata: ["gateways": "\(names.count)", "mine": "\(mine.count)"])
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
                    try? await Task.sleep(for: .milliseconds(500))
                }
            }
            for await _ in candidacy.stopping.turns { break }
            // Nobody may act as owner any more before the lock's node goes.
            lost(shard, candidacy)
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
