import Plant
import Synchronization
import ZooKeeperClient
import ZooKeeperRecipes

/// Learns what stands in the tree for each shard that this gateway has come to own, before it writes tags there.
///
/// Owning a shard is not the same as knowing the most about it. A gateway that was stopped, cut off from the broker or
/// has just been started may be elected while it has heard less than its predecessor wrote, and what it then wrote,
/// properly fenced, would take tags back to older samples. So under each new lease it first reads what the shard's nodes
/// hold: the last owner's node is gone, so that nobody adds to it. ``LatestValues`` decides which of the two stands.
final class ShardCatchUp: Sendable {
    /// Tags read at once.
    static let tagsPerRound = 4096
    static let retryPause = Duration.milliseconds(50)
    /// How often somebody who waits for a shard looks whether it may be written.
    static let look = Duration.milliseconds(5)

    private let client: ZooKeeperClient
    private let plant: PlantState
    private let shards: ShardOwnership
    private let followRemovals: @Sendable () async throws -> Void
    private let caughtUp: @Sendable () -> Void
    private let clock: GatewayClock
    private let failures: FailureLog
    private let turns = Wake()
    /// By shard, the token of the lease under which its nodes were read.
    private let tokens = Mutex([Int64?](repeating: nil, count: TreeLayout.shardCount))

    /// - Parameters:
    ///   - followRemovals: returns once the plant knows what the journal says was removed until now.
    ///   - caughtUp: told when there are shards that may be written now.
    init(
        client: ZooKeeperClient, plant: PlantState, shards: ShardOwnership, health: FailureBoard,
        clock: GatewayClock = .system, followRemovals: @escaping @Sendable () async throws -> Void = {},
        caughtUp: @escaping @Sendable () -> Void
    ) {
        self.client = client
        self.plant = plant
        self.shards = shards
        self.followRemovals = followRemovals
        self.caughtUp = caughtUp
        self.clock = clock
        failures = health.log(
            .shards, began: "tags of shards that were gained cannot be read, and are not written",
            ended: "tags of shards that were gained are read again")
    }

    /// Returns once the plant knows what the journal says was removed until now: nodes were missing.
    func catchUpWithRemovals() async throws { try await followRemovals() }

    /// A shard was gained.
    func wake() { turns.wake() }

    /// The valid leases of those of `wanted` that are owned, which of them may be written as a bit mask, and whether there
    /// are, or come in a moment, shards (any, not only those) that are owned and may not be written yet.
    func writable(among wanted: UInt64 = .max) -> (leases: [Lease?], mask: UInt64, isIncomplete: Bool) {
        let tokens = tokens.withLock { $0 }
        // What has been read and is not wanted is not looked at.
        let (leases, owned) = shards.owned { wanted >> UInt64($0) & 1 == 1 || $1.token != tokens[$0] }
        let mask = owned & Self.mask(leases) { $1.token == tokens[$0] }
        guard owned & ~mask != 0 else { return (leases, mask, shards.isExpecting) }
        // A lease that lapsed while its shard was to be read, and came back before anybody was told, is found here.
        turns.wake()
        return (leases, mask, true)
    }

    /// Returns when an owned shard may be written, or is not owned any more. What this gateway has heard and its predecessor
    /// has not written can only be written then, so an owner does not hand a shard over before.
    func waitUntilWritable(_ shard: Int) async {
        while !Task.isCancelled, let lease = shards.lease(ofShard: shard),
            tokens.withLock({ $0[shard] }) != lease.token
        {
            turns.wake()
            try? await clock.sleep(Self.look)
        }
    }

    /// Catches up with each gained shard until cancelled.
    func run() async {
        for await _ in turns.turns {
            while !Task.isCancelled, await catchUp() {}
            // Also when the same lease is valid again after its deadline had passed: there is nothing to read then.
            caughtUp()
        }
    }

    /// Catches up with what is owned now and has not been read; false when there is nothing (more) to do.
    private func catchUp() async -> Bool {
        let (leases, owned) = shards.owned()
        let missing = tokens.withLock { tokens in owned & ~Self.mask(leases) { $1.token == tokens[$0] } }
        guard missing != 0 else {
            failures.withdrawn()
            return false
        }
        do {
            // What it takes from others must be at least as new as what its election showed.
            try await client.sync(TreeLayout.tags)
            for group in plant.groups(ofShards: missing, tagsPerGroup: Self.tagsPerRound) {
                let tags = plant.tagsInTree(ofShards: group)
                let nodes = try await TreeWalk(client: client).data(
                    of: tags.map { TreeLayout.tags + "/" + $0.znodePath })
                // A tag that an operator had removed is not written again; one that has just gone is.
                if nodes.contains(where: { $0 == nil }) { try await followRemovals() }
                plant.reconcile(
                    shards: group, nodes: zip(tags, nodes).map { (tag: $0.tag, data: $1.map { $0.data ?? [] }) })
                tokens.withLock { tokens in
                    for shard in leases.indices where group >> UInt64(shard) & 1 == 1 {
                        tokens[shard] = leases[shard]?.token
                    }
                }
                caughtUp()
            }
            failures.succeeded()
        } catch {
            failures.failed("\(error)")
            try? await clock.sleep(Self.retryPause)
        }
        return true
    }

    private static func mask(_ leases: [Lease?], where isIncluded: (Int, Lease) -> Bool) -> UInt64 {
        leases.indices.reduce(0) { mask, shard in
            guard let lease = leases[shard], isIncluded(shard, lease) else { return mask }
            return mask | 1 << UInt64(shard)
        }
    }
}
