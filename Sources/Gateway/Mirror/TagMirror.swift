import Logging
import Plant
import ServiceLifecycle
import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// The shards that may be written.
protocol WritableShards: Sendable {
    /// The valid leases of those of these shards that are owned, which of them may be written as a bit mask, and whether
    /// there are, or come in a moment, shards (any, not only these) that are owned and may not be written yet.
    func writable(among shards: UInt64) -> (leases: [Lease?], mask: UInt64, isIncomplete: Bool)

    /// Returns once the plant knows what operators have had removed until now.
    func catchUpWithRemovals() async throws

    /// Works towards writing what is owned, until cancelled.
    func run() async
}

extension ShardCatchUp: WritableShards {}

/// Writes the newest value of each changed tag into the tree, for the shards that this gateway owns.
///
/// One flush is under way at a time. It takes the changed slots, and writes them as a few pipelined transactions, each
/// beginning with a check of the lock node of every shard it touches. When the last is answered the next may begin, as
/// soon as ``FlushPacing`` lets it. What changes meanwhile is conflated in its slot.
/// What could not be written is marked changed again, so the last value always arrives; what the tree refuses costs itself
/// alone (``RefusedNodes``). A shard that was gained is written
/// once ``ShardCatchUp`` has read what the tree has of it.
struct TagMirror<Shards: WritableShards>: Service {
    /// Tags in one transaction.
    static var tagsPerTransaction: Int { 256 }
    /// Bytes of data in one transaction, well below the protocol's frame limit of 1 MiB.
    static var bytesPerTransaction: Int { 384 * 1024 }
    /// Tags in one flush.
    static var tagsPerFlush: Int { 8192 }
    /// Before a tag that the tree has refused is tried again.
    static var refusalPause: Duration { .seconds(1) }
    /// How long the last values may take on the way out.
    static var farewell: Duration { .seconds(5) }
    /// How often a shard that is to be handed over is looked at.
    static var drainCheck: Duration { .milliseconds(5) }

    let client: ZooKeeperClient
    let plant: PlantState
    let shards: Shards
    let gate: AcknowledgementGate
    let turns: Wake
    let spacing: Duration
    let counters: GatewayCounters
    let clock: GatewayClock
    let logger: Logger
    private let failures: FailureLog
    private let refused = RefusedNodes<TagID>()
    private let parents = KnownParents()
    private let progress = FlushProgress()

    init(
        client: ZooKeeperClient, plant: PlantState, shards: Shards, gate: AcknowledgementGate, turns: Wake,
        spacing: Duration, counters: GatewayCounters, health: FailureBoard, clock: GatewayClock, logger: Logger
    ) {
        self.client = client
        self.plant = plant
        self.shards = shards
        self.gate = gate
        self.turns = turns
        self.spacing = spacing
        self.counters = counters
        self.clock = clock
        self.logger = logger
        failures = health.log(
            .tags, began: "values of tags cannot be written into the tree",
            ended: "values of tags are written into the tree again")
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await shards.run() }
                group.addTask { await follow() }
                group.addTask { await retryRefused() }
                await group.waitForAll()
            }
        }
        // The last values, on the way out: the shards are given up only after this service has ended.
        await writeLast()
    }

    /// Writes what is left, for as long as it gets less.
    private func writeLast() async {
        let end = clock.now() + Self.farewell
        var left = Int.max
        while clock.now() < end, case .flush(let flush) = takeFlush() {
            _ = await write(flush)
            let count = plant.unwrittenCount(ownedBy: .max)
            guard count < left else { return }
            left = count
        }
    }

    private func follow() async {
        var pacing = FlushPacing(spacing: spacing)
        for await _ in turns.turns {
            pacing.turnBegan(at: clock.now())
            turn: while !Task.isCancelled {
                let start = clock.now()
                let wait = pacing.wait(at: start)
                switch takeFlush(isEarly: wait > .zero) {
                case .nothing:
                    if refused.isEmpty { failures.withdrawn() }
                    break turn
                case .early(let heard):
                    pacing.found(heardThrough: heard)
                    if wait > .zero { try? await clock.sleep(wait) }
                case .flush(let flush):
                    pacing.found(heardThrough: flush.heard)
                    let succeeded = await write(flush)
                    if succeeded { gate.passed(.mirror, through: flush.batch) }
                    pacing.flushed(from: start, to: clock.now(), succeeded: succeeded)
                }
            }
        }
    }

    private func retryRefused() async {
        while !Task.isCancelled {
            try? await clock.sleep(Self.refusalPause)
            guard !refused.isEmpty else { continue }
            plant.writeFailed(refused.due(in: shards.writable(among: .max).mask))
            if refused.isEmpty { failures.withdrawn() }
            turns.wake()
        }
    }

    /// Returns once everything of these shards that has changed is in the tree, or the time is over: before a shard goes to
    /// a gateway that may have heard less.
    func drain(_ mask: UInt64, atMost time: Duration) async {
        let end = clock.now() + time
        turns.wake()
        while clock.now() < end, !Task.isCancelled {
            if !progress.isUnderway(mask), plant.unwrittenCount(ownedBy: mask) == 0 { return }
            try? await clock.sleep(Self.drainCheck)
        }
    }

    private struct Flush {
        var writes: [TagWrite]
        var leases: [Lease?]
        /// The batch up to which everything is written with this flush.
        var batch: UInt64
        /// The newest batch.
        var heard: UInt64
    }

    private enum Taken {
        /// There was nothing to write, and the gate is passed.
        case nothing
        /// There is something to write, and its time has not come; the newest batch.
        case early(heard: UInt64)
        case flush(Flush)
    }

    /// The changed tags of owned shards; none of them when it is early for a flush.
    private func takeFlush(isEarly: Bool = false) -> Taken {
        // What is taken counts as written until it is answered, so that nobody hands it over meanwhile.
        progress.begin(.max)
        // Only of those shards: at each flush all leases would be looked at for the sake of a few.
        let changed = plant.unwrittenShards
        // Asked first: a shard that becomes writable a moment later has not been looked at.
        let (leases, mask, isIncomplete) = shards.writable(among: changed)
        let changes = plant.takeChanged(ownedBy: mask, among: changed, limit: isEarly ? 0 : Self.tagsPerFlush)
        // What belongs to shards that are won or read just now waits for its turn, and the broker keeps it until then.
        let through = isIncomplete || changes.isMore ? 0 : changes.batch
        guard changes.writes.isEmpty else {
            return .flush(Flush(writes: changes.writes, leases: leases, batch: through, heard: changes.batch))
        }
        progress.end()
        if changes.isMore { return .early(heard: changes.batch) }
        gate.passed(.mirror, through: through)
        return .nothing
    }

    /// Writes all; true when every value is in the tree.
    private func write(_ flush: Flush) async -> Bool {
        // Sorted by shard, so that a transaction checks few lock nodes.
        var pieces: [[TagWrite]] = []
        var piece: [TagWrite] = []
        var bytes = 0
        for write in flush.writes.sorted(by: { $0.shard < $1.shard }) {
            let size = write.data.count + write.znodePath.utf8.count + 100
            if piece.count >= Self.tagsPerTransaction || bytes + size > Self.bytesPerTransaction, !piece.isEmpty {
                pieces.append(piece)
                piece = []
                bytes = 0
            }
            piece.append(write)
            bytes += size
        }
        if !piece.isEmpty { pieces.append(piece) }

        let leases = flush.leases
        let mask = flush.writes.reduce(UInt64(0)) { $0 | 1 << UInt64($1.shard) }
        progress.begin(mask)
        defer { progress.end() }
        let outcomes =
            if pieces.count == 1 {
                // Nearly always; a group and its task take as long as encoding the request.
                [await write(pieces[0], leases: leases)]
            } else {
                await withTaskGroup(of: Outcome.self) { group in
                    for piece in pieces { group.addTask { await write(piece, leases: leases) } }
                    return await group.reduce(into: [Outcome]()) { $0.append($1) }
                }
            }
        counters.mirrorFlushes.add()
        let causes = outcomes.compactMap { if case .refused(let cause) = $0 { cause } else { nil } }
        if let cause = causes.first {
            failures.failed(cause)
        } else if refused.isEmpty, outcomes.contains(.written) {
            failures.succeeded()
        }
        return outcomes.allSatisfy { $0 == .written }
    }

    private enum Outcome: Equatable {
        case written
        /// The shard is not ours (any more), or what was known of its nodes was wrong: that is no failure.
        case waits
        case refused(String)
    }

    private func write(_ writes: [TagWrite], leases: [Lease?]) async -> Outcome {
        var checks: [Operation] = []
        var checked: UInt64 = 0
        var operations: [Operation] = []
        operations.reserveCapacity(writes.count)
        for write in writes {
            let bit: UInt64 = 1 << UInt64(write.shard)
            if checked & bit == 0 {
                guard let lease = leases[write.shard], lease.isValid(at: clock.now()) else {
                    plant.writeFailed(writes)
                    return .waits
                }
                checked |= bit
                checks.append(.check(path: lease.path, version: -1))
            }
            operations.append(
                write.exists
                    ? .setData(path: Self.path(of: write), data: write.data, version: -1)
                    : .create(path: Self.path(of: write), data: write.data, mode: .persistent))
        }
        do {
            for write in writes where !write.exists {
                try await parents.ensure(parentOf: Self.path(of: write), client: client)
            }
            _ = try await client.transaction(checks + operations)
            plant.written(writes)
            refused.written(writes.lazy.map(\.tag))
            counters.tagWrites.add(writes.count)
            return .written
        } catch let error as ZooKeeperError {
            if error.isRefusalOfNode, error.transactionIndex.map({ $0 >= checks.count }) ?? true {
                return await writeApart(writes, leases: leases, after: error)
            }
            if let index = error.transactionIndex, index < checks.count {
                // The lock's node is gone: the election notices by its own watch; nothing was written.
                counters.fencedWrites.add()
                plant.writeFailed(writes)
                return .waits
            }
            if let index = error.transactionIndex, error.code == .nodeExists || error.code == .noNode {
                parents.forget()
                let nodes = await look(at: writes)
                // There, and not to be seen: it may not be read. The others need not wait for it.
                if error.code == .nodeExists, let nodes, nodes[index - checks.count] == nil {
                    return await writeApart(writes, leases: leases, after: error)
                }
                plant.writeFailed(writes)
                await learn(nodes, of: writes)
            } else {
                plant.writeFailed(writes)
            }
            return .refused("\(error)")
        } catch {
            plant.writeFailed(writes)
            return .refused("\(error)")
        }
    }

    /// One of them is refused: halves, until it is alone. Then the others are written, and it waits.
    private func writeApart(_ writes: [TagWrite], leases: [Lease?], after error: ZooKeeperError) async -> Outcome {
        guard writes.count > 1 else {
            for write in writes { refused.refused(write.tag, of: write.shard) }
            failures.failed("\(error)")
            return .written
        }
        let middle = writes.count / 2
        async let first = write(Array(writes[..<middle]), leases: leases)
        async let second = write(Array(writes[middle...]), leases: leases)
        let outcomes = await [first, second]
        return outcomes.first { $0 != .written } ?? .written
    }

    private static func path(of write: TagWrite) -> String { TreeLayout.tags + "/" + write.znodePath }

    /// What stands at the nodes; nil when that cannot be found out now.
    private func look(at writes: [TagWrite]) async -> [NodeData?]? {
        do {
            return try await TreeWalk(client: client).data(of: writes.map(Self.path(of:)))
        } catch {
            logger.debug("tag flush", metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// A tag's node was there already, with a value that may be newer, or had been removed by hand: takes in how it is for
    /// all of the transaction, which is then tried again; where that fails, too, the transaction's own failure is reported.
    private func learn(_ nodes: [NodeData?]?, of writes: [TagWrite]) async {
        guard let nodes else { return }
        do {
            if nodes.contains(where: { $0 == nil }) { try await shards.catchUpWithRemovals() }
        } catch {
            return logger.debug("tag flush", metadata: ["error": "\(error)"])
        }
        plant.reconcile(nodes: zip(writes, nodes).map { (tag: $0.tag, data: $1.map { $0.data ?? [] }) })
    }
}

/// Shards with a flush on its way. One flush is under way at a time.
private final class FlushProgress: Sendable {
    private let mask = Mutex<UInt64>(0)

    func begin(_ shards: UInt64) { mask.withLock { $0 = shards } }
    func end() { mask.withLock { $0 = 0 } }
    func isUnderway(_ shards: UInt64) -> Bool { mask.withLock { $0 & shards != 0 } }
}

/// Parents that are known to exist, so that a new tag costs no look-up of its ancestors.
private final class KnownParents: Sendable {
    private let known = Mutex<Set<String>>([])

    func ensure(parentOf path: String, client: ZooKeeperClient) async throws {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
        let parent = String(path[..<slash])
        if known.withLock({ $0.contains(parent) }) { return }
        try await client.ensurePath(parent)
        known.withLock { known in
            if known.count > 100_000 { known.removeAll() }
            known.insert(parent)
        }
    }

    func forget() { known.withLock { $0.removeAll() } }
}
