import Logging
import Plant
import Synchronization
import ZooKeeperClient
import ZooKeeperRecipes

/// Learns what stands in the tree for each shard that this gateway has come to own, before it writes there.
///
/// Owning a shard is not the same as knowing the most about it. A gateway that was stopped, cut off from the broker or
/// has just been started may be elected while it has heard less than its predecessor wrote, and what it then wrote,
/// properly fenced, would take tags back to older samples. So under each new lease it first hears what the broker has
/// for it, then reads what the shard's nodes hold: the last owner's node is gone, so that nobody adds to it.
/// ``MirrorTable`` decides which of the two stands.
final class ShardCatchUp: Sendable {
    /// Tags read at once.
    static let tagsPerRound = 8192

    private struct State {
        /// By shard, the token of the lease under which its nodes were read.
        var tokens = [Int64?](repeating: nil, count: TreeLayout.shardCount)
        /// Shards whose nodes are being read.
        var reading: UInt64 = 0
    }

    private let client: ZooKeeperClient
    private let plant: PlantState
    private let shards: ShardOwnership
    private let echo: BrokerEcho
    private let caughtUp: @Sendable () -> Void
    private let logger: Logger
    private let turns = Wake()
    private let state = Mutex(State())

    /// - Parameter caughtUp: told when there are shards that may be written now.
    init(
        client: ZooKeeperClient, plant: PlantState, shards: ShardOwnership, echo: BrokerEcho, logger: Logger,
        caughtUp: @escaping @Sendable () -> Void
    ) {
        self.client = client
        self.plant = plant
        self.shards = shards
        self.echo = echo
        self.logger = logger
        self.caughtUp = caughtUp
    }

    /// A shard was gained.
    func wake() { turns.wake() }

    /// The valid leases of owned shards, those of them that may be written as a bit mask, and whether there are others
    /// that will be in a moment.
    func writable() -> (leases: [Lease?], mask: UInt64, isReading: Bool) {
        let (leases, owned) = shards.owned()
        return state.withLock { state in
            let mask = Self.mask(leases) { $1.token == state.tokens[$0] }
            return (leases, mask, owned & ~mask & state.reading != 0)
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
        let missing = state.withLock { state in owned & ~Self.mask(leases) { $1.token == state.tokens[$0] } }
        guard missing != 0 else { return false }
        let started = ContinuousClock.now
        let isHeard = await echo.hearEverything()
        do {
            // What it takes from others must be at least as new as what its election showed.
            try await client.sync(TreeLayout.tags)
            for group in plant.groups(ofShards: missing, tagsPerGroup: Self.tagsPerRound) {
                state.withLock { $0.reading = group }
                try await read(group)
                state.withLock { state in
                    state.reading = 0
                    for shard in leases.indices where group >> UInt64(shard) & 1 == 1 {
                        state.tokens[shard] = leases[shard]?.token
                    }
                }
                caughtUp()
            }
            logger.debug(
                "caught up with shards",
                metadata: [
                    "shards": "\(missing.nonzeroBitCount)", "heard": "\(isHeard)",
                    "after": "\(ContinuousClock.now - started)",
                ])
        } catch {
            state.withLock { $0.reading = 0 }
            logger.debug("catching up with shards", metadata: ["error": "\(error)"])
            try? await Task.sleep(for: .milliseconds(50))
        }
        return true
    }

    private func read(_ shards: UInt64) async throws {
        let walk = TreeWalk(client: client)
        let tags = plant.tagsInTree(ofShards: shards)
        let nodes = try await walk.data(of: tags.map(\.path))
        let devices = try await walk.data(of: plant.deviceNodes(ofShards: shards))
        plant.reconcile(
            shards: shards, tags: zip(tags, nodes).map { (tag: $0.tag, data: $1.map { $0.data ?? [] }) },
            devices: devices.compactMap { $0?.data.flatMap(DeviceRecord.init(data:)) })
    }

    private static func mask(_ leases: [Lease?], where isIncluded: (Int, Lease) -> Bool) -> UInt64 {
        leases.indices.reduce(0) { mask, shard in
            guard let lease = leases[shard], isIncluded(shard, lease) else { return mask }
            return mask | 1 << UInt64(shard)
        }
    }
}
