import Logging
import Plant
import ServiceLifecycle
import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// This gateway's view of `/journal`: what has been recorded, by any gateway, and what of it is still to be delivered.
///
/// A standby follows the journal so that it can drop the transitions that the active processor has recorded, and knows,
/// the moment it is elected, which deliveries its predecessor still owed. Every commit, one's own or another's, is
/// applied by one function, ``admit(_:at:version:age:)``, once per sequence number, whichever of the reply to the transaction and
/// the watch comes first.
final class Journal: Service, Sendable {
    /// An entry that the caller's transaction has created.
    struct Committed: Sendable {
        var path: String
        var commit: AlarmCommit
    }

    struct State {
        var progress = JournalProgress()
        var catchUps: [CheckedContinuation<Void, any Error>] = []
        var ended = false
        var unreadable: UInt64 = 0
    }

    let client: ZooKeeperClient
    let known: KnownRecords
    let board: DeliveryBoard
    let clock: GatewayClock
    let logger: Logger
    let outsiders: OutsiderLog
    let failures: FailureLog
    private let recorded: @Sendable (_ record: AlarmRecord, _ gateway: String) -> Void
    private let forgotten: @Sendable (Forgotten) -> Void
    let state = Mutex(State())
    let work = Wake()

    /// - Parameters:
    ///   - recorded: called once per sequence number with the record of an alarm's entry and the gateway that made it, outside
    ///     any lock of the journal's.
    ///   - forgotten: called likewise with what an entry says was removed.
    init(
        client: ZooKeeperClient, known: KnownRecords, board: DeliveryBoard, health: FailureBoard,
        clock: GatewayClock, logger: Logger,
        recorded: @escaping @Sendable (_ record: AlarmRecord, _ gateway: String) -> Void,
        forgotten: @escaping @Sendable (Forgotten) -> Void
    ) {
        self.client = client
        self.known = known
        self.board = board
        self.clock = clock
        self.logger = logger
        outsiders = OutsiderLog(logger, clock: clock)
        self.recorded = recorded
        self.forgotten = forgotten
        failures = health.log(
            .journal, began: "the journal cannot be followed", ended: "the journal is followed again")
    }

    /// Learns what the journal holds now, for a start from records that already reflect it: nothing is reported as
    /// recorded, only what was removed.
    ///
    /// - Returns: when the newest entry was written, by the tree's clock; nil when there is none.
    @discardableResult
    func prime() async throws -> Milliseconds? {
        let (names, stat) = try await client.getChildren2(TreeLayout.journal)
        let sequences = names.compactMap(TreeLayout.journalSequence(ofNode:)).sorted()
        let nodes = try await TreeWalk(client: client).data(of: sequences.map(TreeLayout.journalEntry))
        state.withLock { state in
            _ = state.progress.listed(root: stat.czxid, present: Set(sequences), known: [], held: [])
            for (sequence, node) in zip(sequences, nodes) where node != nil { _ = state.progress.apply(sequence) }
        }
        for (sequence, node) in zip(sequences, nodes) {
            guard let node, let entry = try? JournalEntry(parsing: node.data ?? []) else { continue }
            guard let commit = try? AlarmCommit(reading: entry) else { continue }
            note(commit, at: sequence, version: node.stat.version, age: age(of: node.stat))
            if let forgotten = commit.forgotten { self.forgotten(forgotten) }
        }
        return nodes.compactMap { $0?.stat.ctime }.last
    }

    /// Follows the journal until cancelled or shut down.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.watch() }
                group.addTask { await self.apply() }
                await group.next()
                group.cancelAll()
            }
        }
        let waiting = state.withLock { state in
            state.ended = true
            defer { state.catchUps = [] }
            return state.catchUps
        }
        for continuation in waiting { continuation.resume(throwing: CancellationError()) }
    }

    /// Returns once everything that was in the journal when this was called has been applied.
    func catchUp() async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let ended = state.withLock { state in
                if !state.ended {
                    state.catchUps.append(continuation)
                    state.progress.eventsMissed()
                }
                return state.ended
            }
            if ended { return continuation.resume(throwing: CancellationError()) }
            work.wake()
        }
    }

    /// Does a write of this gateway's own that makes or changes entries, and takes in what came of it: what is heard of
    /// meanwhile is not read before.
    func writing<Result>(_ write: () async throws -> Result) async rethrows -> Result {
        let number = state.withLock { $0.progress.writeBegins() }
        defer {
            state.withLock { $0.progress.writeEnded(number) }
            work.wake()
        }
        return try await write()
    }

    /// The caller's own transaction has created these entries, in this order. To be said within ``writing(_:)``.
    func committed(_ entries: [Committed]) {
        for item in entries {
            guard let sequence = TreeLayout.journalSequence(ofPath: item.path) else { continue }
            admit(item.commit, at: sequence, version: 0, age: 0)
        }
    }

    /// Entries that could not be read as journal entries.
    var unreadable: UInt64 { state.withLock { $0.unreadable } }

    /// How many entries the journal holds, as far as they have been seen.
    var count: Int { state.withLock { $0.progress.applied.count } }

    // MARK: Applying

    /// Applies one entry: the only place where a commit takes effect in this gateway.
    func admit(_ commit: AlarmCommit, at sequence: Int64, version: Int32, age: Milliseconds) {
        note(commit, at: sequence, version: version, age: age)
        guard state.withLock({ $0.progress.apply(sequence) }) else { return }
        if let forgotten = commit.forgotten {
            self.forgotten(forgotten)
        } else if let record = commit.record, known.isCurrent(record) {
            recorded(record, commit.entry.gateway)
        }
    }

    /// Each time that it is read: what has been delivered may have changed.
    private func note(_ commit: AlarmCommit, at sequence: Int64, version: Int32, age: Milliseconds) {
        if case .alarm(let last) = commit.forgotten {
            known.forget(last, at: sequence)
        } else if let record = commit.record {
            known.take(record)
        }
        guard let transition = commit.transition else { return }
        board.entryRead(sequence, commit.entry, transition, version: version, age: age)
    }

    /// For how long an entry has stood there. While the clock is in doubt nobody knows, and nothing is given up for its age.
    func age(of stat: Stat) -> Milliseconds {
        let sight = clock.look()
        return sight.doubt == nil ? max(0, sight.wall.subtractingClamped(stat.ctime)) : 0
    }
}
