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
        for start in stride(from: 0, to: missing.count, by: Self.rewriteBatch) {
            let records = missing[start..<min(start + Self.rewriteBatch, missing.count)].map { record in
                var record = record
                record.revision &+= 1
                record.epoch = lease.token
                return record
            }
            let restored = try await restore(records, lease)
            guard !restored.isEmpty else { continue }
            outsiders.warning(
                "alarm records had gone from the tree and were written again", ["records": "\(restored.count)"])
            board.recordsLost(restored)
        }
    }

    /// Those that stand again.
    private func restore(_ records: [AlarmRecord], _ lease: Lease) async throws -> [AlarmRecord] {
        let now = clock.wall()
        return try await rewrite(records, lease) { AlarmCommit(restoring: $0, at: now, gateway: self.gateway) }
    }

    /// Gives the dates their corrections that were taken while this gateway's clock was away from where it is again.
    func correctDates(_ lease: Lease) async throws {
        let sight = clock.look()
        guard let newest = sight.excursions.last else { return }
        let records = state.withLock { state in
            state.misdated.corrections(of: sight.excursions, current: known.record(of:))
        }.map { record in
            var record = record
            record.epoch = lease.token
            return record
        }
        for start in stride(from: 0, to: records.count, by: Self.rewriteBatch) {
            let end = min(start + Self.rewriteBatch, records.count)
            let corrected = try await rewrite(Array(records[start..<end]), lease) {
                AlarmCommit(correcting: $0, at: sight.wall, gateway: self.gateway)
            }
            board.recordsLost(corrected)
        }
        if !records.isEmpty {
            logger.notice(
                "alarms that were dated while this machine's clock was wrong got their corrections",
                metadata: ["records": "\(records.count)", "correction": "\(newest.correction) ms"])
        }
        state.withLock { $0.misdated.corrected(sight.excursions, open: sight.open) }
    }

    /// Notes of recorded transitions which of their dates may need a correction.
    private func noteDates(of proposals: [ProposedTransition], in state: inout State) {
        for proposal in proposals { state.misdated.recorded(proposal) }
        state.unsettled = []
    }

    /// The last transaction may have gone through although its answer was lost: then its records are known by now.
    func settleDates() {
        state.withLock { state in
            let isRecorded = state.unsettled.contains { proposal in
                guard let record = known.record(of: proposal.path) else { return false }
                return record.revision == proposal.record.revision && record.epoch == proposal.record.epoch
            }
            noteDates(of: isRecorded ? state.unsettled : [], in: &state)
        }
    }

    /// Writes records whose alarms have made no step. Those that stand; what the tree refuses costs itself alone.
    private func rewrite(
        _ records: [AlarmRecord], _ lease: Lease, as commit: (AlarmRecord) -> AlarmCommit
    ) async throws -> [AlarmRecord] {
        do {
            try await write(records.map(commit), answering: nil, lease: lease)
            return records
        } catch let error as ZooKeeperError where records.contains(where: { isRefused($0.path, by: error) }) {
            guard records.count > 1 else {
                // Its next transition, or the next election, tries it again.
                failures.failed("\(error)")
                return []
            }
            var written: [AlarmRecord] = []
            for record in records { written += try await rewrite([record], lease, as: commit) }
            return written
        }
    }

    /// Records transitions, in order, in one transaction; `answering` puts the answer into a request with it.
    func record(
        _ proposals: [ProposedTransition], answering request: Operation?, lease: Lease
    ) async throws {
        state.withLock { $0.unsettled = proposals }
        do {
            try await write(
                proposals.map { AlarmCommit($0, gateway: gateway, owedBy: channels) }, answering: request,
                lease: lease)
        } catch let error as ZooKeeperError where request == nil {
            let alarms = Set(proposals.map(\.record.path)).filter { isRefused($0, by: error) }
            guard !alarms.isEmpty else { throw error }
            return wait(with: alarms, because: error)
        }
        counters.transitionsRecorded.add(proposals.count)
        state.withLock { state in
            noteDates(of: proposals, in: &state)
            if !state.refused.isEmpty { for proposal in proposals { state.refused[proposal.record.path] = nil } }
        }
    }

    /// These are tried again in a moment; the others are recorded meanwhile.
    private func wait(with alarms: Set<AlarmPath>, because error: ZooKeeperError) {
        failures.failed("\(error)")
        let again = clock.now() + Self.refusalPause
        state.withLock { state in
            state.unsettled = []
            for alarm in alarms { state.refused[alarm] = again }
            if error.code == .nodeExists { state.recordsMayHaveGone = true }
        }
    }

    /// Whether the tree refuses this alarm's record: its own node, or one above it. One that is there and that we do not know
    /// has come meanwhile, or may not be read: we look again, and this alarm waits.
    private func isRefused(_ alarm: AlarmPath, by error: ZooKeeperError) -> Bool {
        guard let path = error.path, path.hasPrefix(TreeLayout.alarms + "/") else { return false }
        if error.code == .nodeExists { return path == AlarmStore.nodePath(of: alarm) }
        guard error.isRefusalOfNode else { return false }
        let node = AlarmStore.nodePath(of: alarm)
        return node == path || node.hasPrefix(path + "/")
    }

    /// Alarms whose turn has not come again.
    func refusedNow() -> Set<AlarmPath> {
        let now = clock.now()
        return state.withLock { state in
            guard !state.refused.isEmpty else { return [] }
            // What was not tried again when it might have been has nothing to record any more.
            state.refused = state.refused.filter { now - $0.value < Self.refusalPause * 5 }
            return Set(state.refused.filter { $0.value > now }.keys)
        }
    }

    /// - Parameter removing: what else is done in the same transaction.
    func write(
        _ commits: [AlarmCommit], removing others: [Operation] = [], answering request: Operation?, lease: Lease
    ) async throws {
        let standings = state.withLock { $0.standings }
        var parents: Set<String> = []
        for case let path? in commits.filter({ $0.forgotten == nil }).map(\.record?.path)
        where !standings.contains(path) {
            parents.insert(TreeLayout.alarms + "/" + path.tag.znodePath)
        }
        try await makeParents(parents)

        var writes = AlarmStandings.Writes()
        var operations = others
        for commit in commits {
            if case .alarm(let last) = commit.forgotten {
                operations += [standings.remove(last.path, in: &writes)].compactMap(\.self)
            } else if let record = commit.record {
                operations.append(try standings.write(record, in: &writes))
            }
            operations.append(commit.entry.appending)
        }
        if let request { operations.append(request) }
        try await journal.writing {
            let results = try await lease.guarded(operations)
            state.withLock { $0.standings.committed(writes) }
            let created = results.compactMap { result -> String? in
                if case .created(let path, _) = result, path.hasPrefix(TreeLayout.journal) { return path }
                return nil
            }
            journal.committed(zip(created, commits).map { .init(path: $0, commit: $1) })
        }
    }

    /// All at once: in a flood of first occurrences one after the other would take longer than everything else.
    private func makeParents(_ parents: Set<String>) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for parent in parents {
                group.addTask { [client] in
                    do { try await client.ensurePath(parent) } catch var error as ZooKeeperError {
                        // Names the parent of the record, not an ancestor, so that the caller finds the alarm.
                        error.path = parent
                        throw error
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
