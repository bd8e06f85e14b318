import Logging
import Plant
import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// Hearing of entries by the watch, reading them in the order of their numbers, and listing the journal where events
/// may have been missed.
extension Journal {
    /// Before the tree is asked again after it could not be reached.
    private static let retryPause = Duration.milliseconds(100)

    func watch() async {
        try? await SubtreeFollower(client: client, path: TreeLayout.journal).follow { element in
            switch element {
            case .gap: relist()
            case .event(let event): received(event)
            }
        } failed: { error in
            failures.failed("\(error)")
            try await clock.sleep(Self.retryPause)
        }
    }

    private func relist() {
        state.withLock { $0.progress.eventsMissed() }
        work.wake()
    }

    private func received(_ event: WatchEvent) {
        // The journal itself has gone, or has been made again.
        if event.path == TreeLayout.journal, event.type != .nodeChildrenChanged { return relist() }
        guard let sequence = TreeLayout.journalSequence(ofPath: event.path) else { return }
        if event.type == .nodeDeleted { entryRemoved(sequence) }
        let isHeld = event.type == .nodeDataChanged && board.holds(sequence)
        state.withLock { state in
            switch event.type {
            case .nodeCreated: state.progress.created(sequence)
            case .nodeDataChanged: state.progress.changed(sequence, isHeld: isHeld)
            case .nodeDeleted: state.progress.deleted(sequence)
            default: break
            }
        }
        work.wake()
    }

    func apply() async {
        for await _ in work.turns {
            while await applyOnce() {}
        }
    }

    /// One round; false when there was nothing to do or it has to wait for the next wake-up.
    private func applyOnce() async -> Bool {
        let (round, waiting) = state.withLock { state in
            defer { state.catchUps = [] }
            return (state.progress.nextRound(), state.catchUps)
        }
        guard var round else { return false }
        round.sequences.subtract(round.changed.filter { !board.holds($0) })
        do {
            if round.isListing { try await list(&round, sync: !waiting.isEmpty) }
            let sequences = round.sequences.sorted()
            let nodes = try await TreeWalk(client: client).data(of: sequences.map(TreeLayout.journalEntry))
            for (sequence, node) in zip(sequences, nodes) {
                guard let node else { continue }
                do {
                    let entry = try JournalEntry(parsing: node.data ?? [])
                    admit(
                        try AlarmCommit(reading: entry), at: sequence, version: node.stat.version,
                        age: age(of: node.stat))
                } catch {
                    unreadable(sequence, error)
                }
            }
            for continuation in waiting { continuation.resume() }
            failures.succeeded()
            return true
        } catch {
            // The tree is away or the task is cancelled: all of it again, after the reconnect's gap or a short wait.
            state.withLock { $0.progress.eventsMissed() }
            for continuation in waiting { continuation.resume(throwing: error) }
            if !(error is CancellationError) {
                failures.failed("\(error)")
                try? await clock.sleep(Self.retryPause)
                if !Task.isCancelled { work.wake() }
            }
            return false
        }
    }

    /// Finds out what a round has to read. A journal that is missing is made again.
    private func list(_ round: inout JournalProgress.Round, sync: Bool) async throws {
        let held = board.heldSequences
        // A follower of an ensemble may lag behind its leader: what others committed before now must show.
        if sync { try await client.sync(TreeLayout.journal) }
        let (names, stat): ([String], Stat)
        do {
            (names, stat) = try await client.getChildren2(TreeLayout.journal)
        } catch let error as ZooKeeperError where error.code == .noNode {
            try await client.ensurePath(TreeLayout.journal)
            (names, stat) = try await client.getChildren2(TreeLayout.journal)
        }
        let present = Set(names.compactMap(TreeLayout.journalSequence(ofNode:)))
        let known = round.known.union(held)
        let listing = state.withLock {
            $0.progress.listed(root: stat.czxid, present: present, known: known, held: held.intersection(present))
        }
        if listing.hasRestarted {
            outsiders.warning("the journal was deleted and begins again")
            board.journalRestarted()
            self.known.journalRestarted()
        }
        for sequence in listing.gone { entryRemoved(sequence) }
        round.sequences.formUnion(listing.unread)
    }

    private func entryRemoved(_ sequence: Int64) {
        board.entryRemoved(sequence)
        known.entryRemoved(sequence)
    }

    private func unreadable(_ sequence: Int64, _ error: any Error) {
        let isFirst = state.withLock { state in
            let isFirst = state.progress.apply(sequence)
            if isFirst { state.unreadable &+= 1 }
            return isFirst
        }
        guard isFirst else { return }
        outsiders.warning(
            "unreadable journal entry", ["path": TreeLayout.journalEntry(sequence), "error": "\(error)"])
    }
}
