import Logging
import Plant
import ServiceLifecycle
import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol

/// This gateway's view of `/journal`: what has been recorded, by any gateway, and what of it is still to be announced.
///
/// A standby follows the journal so that it can drop the transitions that the active processor has recorded, and knows,
/// the moment it is elected, which announcements its predecessor still owed. Every commit, one's own or another's, is
/// applied by one function, ``admit(_:_:age:)``, once per sequence number, whichever of the reply to the transaction and
/// the watch comes first.
final class Journal: Service, Sendable {
    /// An entry that the caller's transaction has created.
    struct Committed: Sendable {
        var path: String
        var entry: JournalEntry
    }

    private struct State {
        var progress = JournalProgress()
        var catchUps: [CheckedContinuation<Void, any Error>] = []
        var ended = false
        var unreadable: UInt64 = 0
    }

    private let client: ZooKeeperClient
    private let known: KnownRecords
    private let board: AnnouncementBoard
    private let clock: GatewayClock
    private let logger: Logger
    private let failures: FailureLog
    private let recorded: @Sendable (AlarmRecord) -> Void
    private let state = Mutex(State())
    private let work = Wake()

    /// - Parameter recorded: called once per sequence number with the record of an alarm's entry, outside any lock of the
    ///   journal's.
    init(
        client: ZooKeeperClient, known: KnownRecords, board: AnnouncementBoard, clock: GatewayClock, logger: Logger,
        recorded: @escaping @Sendable (AlarmRecord) -> Void
    ) {
        self.client = client
        self.known = known
        self.board = board
        self.clock = clock
        self.logger = logger
        self.recorded = recorded
        failures = FailureLog(
            began: "the journal cannot be followed", ended: "the journal is followed again", clock: clock,
            logger: logger)
    }

    /// Learns what the journal holds now, for a start from records that already reflect it: nothing is reported as
    /// recorded.
    func prime() async throws {
        let (names, stat) = try await client.getChildren2(TreeLayout.journal)
        let sequences = names.compactMap(TreeLayout.journalSequence(ofNode:)).sorted()
        let nodes = try await TreeWalk(client: client).data(of: sequences.map(TreeLayout.journalEntry))
        state.withLock { state in
            _ = state.progress.listed(root: stat.czxid, present: Set(sequences), known: [], held: [])
            for (sequence, node) in zip(sequences, nodes) where node != nil { _ = state.progress.apply(sequence) }
        }
        for (sequence, node) in zip(sequences, nodes) {
            guard let node, let entry = try? JournalEntry(parsing: node.data ?? []) else { continue }
            _ = try? noteAnnouncement(of: entry, sequence, age: age(of: node.stat))
        }
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

    /// The caller's own transaction has created these entries, in this order.
    func committed(_ entries: [Committed]) {
        for item in entries {
            guard let sequence = TreeLayout.journalSequence(ofPath: item.path) else { continue }
            do { try admit(item.entry, sequence, age: 0) } catch {
                logger.error("own journal entry", metadata: ["path": "\(item.path)", "error": "\(error)"])
            }
        }
    }

    /// Entries that could not be read as journal entries.
    var unreadable: UInt64 { state.withLock { $0.unreadable } }

    /// How many entries the journal holds, as far as they have been seen.
    var count: Int { state.withLock { $0.progress.applied.count } }

    // MARK: Applying

    /// Applies one entry: the only place where a commit takes effect in this gateway.
    private func admit(_ entry: JournalEntry, _ sequence: Int64, age: Milliseconds) throws {
        let record = try noteAnnouncement(of: entry, sequence, age: age)
        let isFirst = state.withLock { $0.progress.apply(sequence) }
        if isFirst, let record { recorded(record) }
    }

    /// Returns the alarm record that the entry carries.
    private func noteAnnouncement(
        of entry: JournalEntry, _ sequence: Int64, age: Milliseconds
    ) throws -> AlarmRecord? {
        guard let transition = try entry.alarmTransition() else {
            // A record that was written again; or a step of a later version, of which we take what we can read.
            let record = try? entry.alarmRecord()
            if let record { known.take(record) }
            return record
        }
        known.take(transition.record)
        if entry.announced == false {
            board.entryOwed(sequence, entry, transition, age: age)
        } else {
            board.entryMarked(sequence, announced: entry.announced == true)
        }
        return transition.record
    }

    private func age(of stat: Stat) -> Milliseconds { max(0, clock.wall() &- stat.ctime) }

    // MARK: Following

    private func watch() async {
        while !Task.isCancelled {
            do {
                let watch = try await client.addWatch(TreeLayout.journal, mode: .persistentRecursive)
                relist()
                for try await element in watch {
                    switch element {
                    case .gap: relist()
                    case .event(let event): received(event)
                    }
                }
            } catch is CancellationError {
                return
            } catch {
                failures.failed("\(error)")
                try? await clock.sleep(.milliseconds(200))
            }
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
        if event.type == .nodeDeleted { board.entryRemoved(sequence) }
        let isHeld = event.type == .nodeDataChanged && board.holds(sequence)
        state.withLock { state in
            switch event.type {
            case .nodeCreated: state.progress.created(sequence)
            case .nodeDataChanged: if isHeld { state.progress.changed(sequence) }
            case .nodeDeleted: state.progress.deleted(sequence)
            default: break
            }
        }
        work.wake()
    }

    private func apply() async {
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
        do {
            if round.isListing { try await list(&round, sync: !waiting.isEmpty) }
            let sequences = round.sequences.sorted()
            let nodes = try await TreeWalk(client: client).data(of: sequences.map(TreeLayout.journalEntry))
            for (sequence, node) in zip(sequences, nodes) {
                guard let node else { continue }
                do {
                    try admit(JournalEntry(parsing: node.data ?? []), sequence, age: age(of: node.stat))
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
                try? await clock.sleep(.milliseconds(100))
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
            logger.warning("the journal was deleted and begins again")
            board.journalRestarted()
        }
        for sequence in listing.gone { board.entryRemoved(sequence) }
        round.sequences.formUnion(listing.unread)
    }

    private func unreadable(_ sequence: Int64, _ error: any Error) {
        let isFirst = state.withLock { state in
            let isFirst = state.progress.apply(sequence)
            if isFirst { state.unreadable &+= 1 }
            return isFirst
        }
        guard isFirst else { return }
        logger.warning(
            "unreadable journal entry",
            metadata: ["path": "\(TreeLayout.journalEntry(sequence))", "error": "\(error)"])
    }
}

extension TreeLayout {
    /// Path of the entry with a sequence number.
    static func journalEntry(_ sequence: Int64) -> String {
        let digits = String(sequence)
        return journalEntryPrefix + String(repeating: "0", count: max(0, 10 - digits.count)) + digits
    }

    /// Sequence number of an entry's path; nil when it is not one of the journal's.
    static func journalSequence(ofPath path: String) -> Int64? {
        guard path.hasPrefix(journal + "/") else { return nil }
        return journalSequence(ofNode: String(path.dropFirst(journal.count + 1)))
    }
}
