import Logging
import Plant
import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// Writing records: each transaction begins with a check of the election node, and writes every record in its expected
/// version together with an entry of the journal.
extension AlarmProcessor {
    /// Writes records again that this gateway has seen committed and that have gone from the tree, or stand there in an
    /// older revision. The revision rises, so that every gateway takes the record for the newer one.
    func writeMissing(_ lease: Lease) async throws {
        let standings = state.withLock { $0.standings }
        let missing = known.missing(in: standings).filter { record in
            definitions.contains { $0.name == record.path.alarm && $0.tags.matches(record.path.tag) }
        }
        for start in stride(from: 0, to: missing.count, by: Self.batch) {
            let records = missing[start..<min(start + Self.batch, missing.count)].map { record in
                var record = record
                record.revision &+= 1
                record.epoch = lease.token
                return record
            }
            let now = clock.wall()
            try await write(
                records.map { AlarmCommit(restoring: $0, at: now, gateway: gateway) }, answering: nil, lease: lease)
            outsiders.warning(
                "alarm records had gone from the tree and were written again", ["records": "\(records.count)"])
            board.recordsLost(records)
        }
    }

    /// Records transitions, in order, in one transaction; `answering` sets the answer into an operator's request with it.
    func record(
        _ proposals: [ProposedTransition], answering request: Answer?, lease: Lease
    ) async throws {
        do {
            try await write(
                proposals.map { AlarmCommit($0, gateway: gateway) }, answering: request, lease: lease)
        } catch let error as ZooKeeperError where request == nil && error.isRefusalOfNode {
            let alarms = Set(proposals.map(\.record.path)).filter { Self.concerns(error, $0) }
            guard !alarms.isEmpty else { throw error }
            failures.failed("\(error)")
            let again = clock.now() + Self.refusalPause
            return state.withLock { state in for alarm in alarms { state.refused[alarm] = again } }
        }
        counters.transitionsRecorded.add(proposals.count)
        state.withLock { state in
            if !state.refused.isEmpty { for proposal in proposals { state.refused[proposal.record.path] = nil } }
        }
    }

    /// Whether a refusal is about the alarm's own node, or one above it.
    private static func concerns(_ error: ZooKeeperError, _ alarm: AlarmPath) -> Bool {
        guard let path = error.path, path.hasPrefix(TreeLayout.alarms + "/") else { return false }
        let node = AlarmStore.nodePath(of: alarm)
        return node == path || node.hasPrefix(path + "/")
    }

    /// Alarms whose turn has not come again.
    func refusedNow() -> Set<AlarmPath> {
        let now = clock.now()
        return state.withLock { state in
            state.refused.isEmpty ? [] : Set(state.refused.filter { $0.value > now }.keys)
        }
    }

    private func write(
        _ commits: [AlarmCommit], answering request: Answer?, lease: Lease
    ) async throws {
        let standings = state.withLock { $0.standings }
        var parents: Set<String> = []
        for case let path? in commits.map(\.record?.path) where !standings.contains(path) {
            parents.insert(TreeLayout.alarms + "/" + path.tag.znodePath)
        }
        for parent in parents {
            do { try await client.ensurePath(parent) } catch var error as ZooKeeperError {
                // Whose record it is about, not which of its ancestors.
                error.path = parent
                throw error
            }
        }

        var writes = AlarmStandings.Writes()
        var operations: [Operation] = []
        for commit in commits {
            if let record = commit.record { operations.append(try standings.write(record, in: &writes)) }
            operations.append(Self.append(commit.entry))
        }
        if let request { operations.append(.setData(path: request.path, data: request.data, version: -1)) }
        let results = try await lease.guarded(operations)
        state.withLock { $0.standings.committed(writes) }
        let created = results.compactMap { result -> String? in
            if case .created(let path, _) = result, path.hasPrefix(TreeLayout.journal) { return path }
            return nil
        }
        journal.committed(zip(created, commits).map { .init(path: $0, commit: $1) })
    }

    static func append(_ entry: JournalEntry) -> Operation {
        .create(path: TreeLayout.journalEntryPrefix, data: entry.serialized(), mode: .persistentSequential)
    }
}
