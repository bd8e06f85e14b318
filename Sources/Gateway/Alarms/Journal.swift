import Logging
import Plant
import ServiceLifecycle
import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol

/// This gateway's view of `/journal`: what has been recorded, by whomever, and what of it has not been announced yet.
///
/// A standby follows the journal so that it can drop the transitions that the active processor has recorded, and knows,
/// the moment it is elected, which announcements its predecessor still owed. One loop (``run()``) applies entries, in
/// the order of their sequence numbers; the active processor reports its own commits through ``committed(_:)``.
final class Journal: Service, Sendable {
    /// An alarm entry whose announcement is not known to have gone out.
    struct Unannounced: Sendable {
        var path: String
        var entry: JournalEntry
        var transition: ProposedTransition
    }

    private struct State {
        /// Sequence numbers applied so far; bounded by what the journal holds (trimmed entries leave with their event).
        var seen: Set<Int64> = []
        var unannounced: [Int64: Unannounced] = [:]
        /// Announced by this gateway: a read that was under way meanwhile must not bring them back.
        var announcedHere: Set<Int64> = []
        var created: [Int64] = []
        var changed: [Int64] = []
        var mustList = true
        var catchUps: [CheckedContinuation<Void, any Error>] = []
        var ended = false
        var unreadable: UInt64 = 0
    }

    private let client: ZooKeeperClient
    private let logger: Logger
    private let state = Mutex(State())
    private let work = Wake()
    private let recorded: @Sendable (AlarmRecord) -> Void
    private let unannouncedGrew: @Sendable () -> Void

    /// - Parameters:
    ///   - recorded: told once of the record after each alarm transition, outside any lock of the journal's.
    ///   - unannouncedGrew: told when there is something to announce.
    init(
        client: ZooKeeperClient, logger: Logger, recorded: @escaping @Sendable (AlarmRecord) -> Void,
        unannouncedGrew: @escaping @Sendable () -> Void
    ) {
        self.client = client
        self.logger = logger
        self.recorded = recorded
        self.unannouncedGrew = unannouncedGrew
    }

    /// Learns what the journal holds now without telling anybody: for a start from records that already reflect it.
    func prime() async throws {
        let sequences = try await client.getChildren(TreeLayout.journal)
            .compactMap(TreeLayout.journalSequence(ofNode:)).sorted()
        let paths = sequences.map(Self.path(ofSequence:))
        let nodes = try await TreeWalk(client: client).data(of: paths)
        state.withLock { state in
            for ((sequence, path), node) in zip(zip(sequences, paths), nodes) {
                guard let node else { continue }
                state.seen.insert(sequence)
                guard let entry = try? JournalEntry(parsing: node.data ?? []), entry.announced == false,
                    let transition = try? entry.alarmTransition()
                else { continue }
                state.unannounced[sequence] = Unannounced(path: path, entry: entry, transition: transition)
            }
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
                    state.mustList = true
                }
                return state.ended
            }
            if ended { continuation.resume(throwing: CancellationError()) } else { work.wake() }
        }
    }

    /// The caller's own transaction has created these entries.
    func committed(_ entries: [Unannounced]) {
        for item in entries { admit(item.entry, item.transition, path: item.path) }
    }

    /// The oldest entries that still have to be announced.
    func unannounced(limit: Int) -> [Unannounced] {
        state.withLock { state in
            state.unannounced.keys.sorted().prefix(limit).compactMap { state.unannounced[$0] }
        }
    }

    /// These entries have been announced and marked.
    func announced(_ paths: [String]) {
        state.withLock { state in
            for path in paths {
                guard let sequence = Self.sequence(ofPath: path) else { continue }
                state.unannounced[sequence] = nil
                state.announcedHere.insert(sequence)
            }
        }
    }

    /// Entries that could not be read as journal entries.
    var unreadable: UInt64 { state.withLock { $0.unreadable } }

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
                logger.debug("journal watch", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    private func relist() {
        state.withLock { $0.mustList = true }
        work.wake()
    }

    private func received(_ event: WatchEvent) {
        guard let sequence = Self.sequence(ofPath: event.path) else { return }
        state.withLock { state in
            switch event.type {
            case .nodeCreated: if !state.seen.contains(sequence) { state.created.append(sequence) }
            case .nodeDataChanged: if state.unannounced[sequence] != nil { state.changed.append(sequence) }
            case .nodeDeleted:
                state.seen.remove(sequence)
                state.announcedHere.remove(sequence)
                state.unannounced[sequence] = nil
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
        let (list, sequences, waiting) = state.withLock { state in
            defer {
                state.created = []
                state.changed = []
                state.mustList = false
                state.catchUps = []
            }
            return (state.mustList, state.created + state.changed, state.catchUps)
        }
        guard list || !sequences.isEmpty || !waiting.isEmpty else { return false }
        do {
            var wanted = Set(sequences)
            if list {
                // What is committed while the list is on its way is not in it, and must not be taken for trimmed.
                let before = state.withLock { $0.seen.union($0.unannounced.keys) }
                // A follower of an ensemble may lag behind its leader: what others committed before now must show.
                if !waiting.isEmpty { try await client.sync(TreeLayout.journal) }
                let present = Set(
                    try await client.getChildren(TreeLayout.journal).compactMap(TreeLayout.journalSequence(ofNode:)))
                let gone = before.subtracting(present)
                let missing = state.withLock { state in
                    state.seen.subtract(gone)
                    state.announcedHere.subtract(gone)
                    for sequence in gone { state.unannounced[sequence] = nil }
                    return present.subtracting(state.seen).union(state.unannounced.keys)
                }
                wanted.formUnion(missing)
            }
            let paths = wanted.sorted().map(Self.path(ofSequence:))
            for (path, node) in zip(paths, try await TreeWalk(client: client).data(of: paths)) {
                guard let node else { continue }
                do {
                    let entry = try JournalEntry(parsing: node.data ?? [])
                    admit(entry, try entry.alarmTransition(), path: path)
                } catch {
                    let first = state.withLock { state in
                        state.unreadable &+= 1
                        if let sequence = Self.sequence(ofPath: path) { return state.seen.insert(sequence).inserted }
                        return false
                    }
                    if first {
                        logger.warning("unreadable journal entry", metadata: ["path": "\(path)", "error": "\(error)"])
                    }
                }
            }
            for continuation in waiting { continuation.resume() }
            return true
        } catch {
            // The tree is away or the task is cancelled: all of it again, after the reconnect's gap or a short wait.
            state.withLock { $0.mustList = true }
            for continuation in waiting { continuation.resume(throwing: error) }
            if !(error is CancellationError) {
                try? await Task.sleep(for: .milliseconds(100))
                if !Task.isCancelled { work.wake() }
            }
            return false
        }
    }

    private func admit(_ entry: JournalEntry, _ transition: ProposedTransition?, path: String) {
        guard let sequence = Self.sequence(ofPath: path) else { return }
        let (first, owed) = state.withLock { state in
            let first = state.seen.insert(sequence).inserted
            var owed: Unannounced?
            if let transition, entry.announced == false, !state.announcedHere.contains(sequence) {
                owed = Unannounced(path: path, entry: entry, transition: transition)
            }
            state.unannounced[sequence] = owed
            return (first, owed != nil)
        }
        if first, let transition { recorded(transition.record) }
        if owed { unannouncedGrew() }
    }

    private static func sequence(ofPath path: String) -> Int64? {
        guard path.hasPrefix(TreeLayout.journal + "/") else { return nil }
        return TreeLayout.journalSequence(ofNode: String(path.dropFirst(TreeLayout.journal.count + 1)))
    }

    private static func path(ofSequence sequence: Int64) -> String {
        let digits = String(sequence)
        return TreeLayout.journalEntryPrefix + String(repeating: "0", count: max(0, 10 - digits.count)) + digits
    }
}
