package import Logging
package import Plant
import Synchronization
package import ZooKeeperClient
import ZooKeeperProtocol
package import ZooKeeperRecipes

/// Trims `/commands` and `/journal` to what ``HistoryRetention`` says, and answered requests. For the active alarm processor,
/// which calls ``step(lease:)`` now and then; every deletion is guarded by its lease. What goes by its age goes at the pace of
/// the monotonic clock, and nothing does while the wall clock is in doubt.
package final class HistoryTrimmer: Sendable {
    /// What one step has removed.
    package struct Trimmed: Sendable, Hashable {
        package var commands = 0
        package var journalEntries = 0
    }

    /// How long, and for how many entries, a delivery is tried.
    static let delivering = Announcements.Limits()
    /// How long an entry is kept of which a delivery was given up: long enough to see that in the journal.
    static let givenUpAge = Duration.seconds(3_600)
    /// How long one is kept that is still owed: longer than it takes to give it up.
    static let owedAge = Duration.milliseconds(delivering.age) + givenUpAge
    /// Deletions in one transaction.
    static let batch = 100

    private struct State {
        /// Finished commands that have been read already: the end of a command does not change any more.
        var finished: [String: HistoryRetention.Item] = [:]
        var commandPace = RetentionPace()
        var journalPace = RetentionPace()
        /// Entries of which a delivery is owed, or was given up.
        var owed = Sightings()
    }

    private let client: ZooKeeperClient
    private let retention: HistoryRetention
    private let channels: [Channel]
    private let owedMaximum: Int
    private let requests: RequestTrimmer
    private let clock: GatewayClock
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameters:
    ///   - channels: those by which this gateway delivers. What others owe holds no entry, for nobody here will deliver it.
    ///   - owedMaximum: how many entries that are owed may stay beyond what is kept; so many deliveries are tried.
    package init(
        client: ZooKeeperClient, retention: HistoryRetention = .init(), channels: [Channel],
        owedMaximum: Int = delivering.count, clock: GatewayClock = .system, logger: Logger
    ) {
        self.client = client
        self.retention = retention
        self.channels = channels
        self.owedMaximum = owedMaximum
        requests = RequestTrimmer(client: client, clock: clock)
        self.clock = clock
        self.logger = logger
    }

    /// Looks and trims once. Throws when the tree cannot be reached or the lease is lost; what is done is done.
    package func step(lease: Lease) async throws -> Trimmed {
        var trimmed = Trimmed()
        trimmed.commands = try await trimCommands(lease)
        trimmed.journalEntries = try await trimJournal(lease)
        if trimmed != Trimmed() {
            logger.debug(
                "trimmed", metadata: ["commands": "\(trimmed.commands)", "journal": "\(trimmed.journalEntries)"])
        }
        try await requests.step(lease)
        return trimmed
    }

    /// What is older than that may go for its age; looks at the clock first.
    private func paced(
        _ pace: WritableKeyPath<State, RetentionPace>, oldest: Milliseconds?, age: Milliseconds, _ lease: Lease
    ) -> (horizon: Milliseconds, now: Milliseconds) {
        let sight = clock.look()
        let limit = sight.doubt == nil ? sight.wall.subtractingClamped(max(0, age)) : nil
        let horizon = state.withLock {
            $0[keyPath: pace].horizon(
                oldest: oldest, limit: limit, term: lease.token, clockTotal: sight.total, at: clock.milliseconds)
        }
        return (horizon, sight.wall)
    }

    private func trimCommands(_ lease: Lease) async throws -> Int {
        let names = Set(try await TreeWalk(client: client).children(of: TreeLayout.commands))
        let unknown = state.withLock { state in
            state.finished = state.finished.filter { names.contains($0.key) }
            return names.filter { state.finished[$0] == nil }.sorted()
        }
        let paths = unknown.map { TreeLayout.commands + "/" + $0 }
        var ended: [String: HistoryRetention.Item] = [:]
        for (name, node) in zip(unknown, try await TreeWalk(client: client).data(of: paths)) {
            guard let node else { continue }
            guard let record = try? CommandRecord(parsing: node.data ?? [], id: name) else {
                // Not a command at all: it goes as a finished one does, by the time of its last change.
                if node.stat.numChildren == 0 {
                    ended[name] = .init(name: name, finishedAt: node.stat.mtime, isRefused: true)
                }
                continue
            }
            if record.state.isFinal {
                ended[name] = .init(
                    name: name, finishedAt: record.finishedAt ?? node.stat.mtime,
                    isRefused: record.state.isNeverSent)
            }
        }
        let items = state.withLock { state in
            state.finished.merge(ended) { _, new in new }
            return Array(state.finished.values)
        }
        let horizon = paced(
            \.commandPace, oldest: items.map(\.finishedAt).min(), age: retention.commandAge, lease
        ).horizon
        let old = retention.trimmable(items, before: horizon)
        return try await delete(old.map { TreeLayout.commands + "/" + $0 }, lease)
    }

    /// Entries are numbered in the order of time, so only the oldest are read. An alarm's entry that a channel still
    /// owes stays for as long as its delivery is tried, and one that was given up for an hour longer; but no more
    /// than so many.
    private func trimJournal(_ lease: Lease) async throws -> Int {
        let names = try await TreeWalk(client: client).children(of: TreeLayout.journal)
            .compactMap { name in TreeLayout.journalSequence(ofNode: name).map { (name, $0) } }
            .sorted { $0.1 < $1.1 }
            .map(\.0)
        var trimming: JournalTrimming?
        var undecided: [(path: String, node: NodeData)] = []
        var count = 0
        var owed: [String] = []
        for start in stride(from: 0, to: names.count, by: TreeWalk.window) {
            let paths = names[start..<min(start + TreeWalk.window, names.count)].map { TreeLayout.journal + "/" + $0 }
            let nodes = try await TreeWalk(client: client).data(of: paths)
            if trimming == nil {
                let oldest = nodes.lazy.compactMap { $0?.stat.ctime }.min()
                let (horizon, now) = paced(\.journalPace, oldest: oldest, age: retention.age, lease)
                trimming = JournalTrimming(
                    total: names.count, capacity: retention.count, horizon: horizon, at: now)
            }
            var old: [String] = []
            var hasEnded = false
            for (path, node) in zip(paths, nodes) {
                let verdict = trimming?.judge(node?.stat.ctime) ?? .stays
                guard verdict != .stays else {
                    hasEnded = true
                    break
                }
                if let node { undecided.append((path, node)) }
                guard verdict == .goes else { continue }
                for (path, node) in undecided {
                    if isKept(path, node) { owed.append(path) } else { old.append(path) }
                }
                undecided = []
            }
            count += try await delete(old, lease)
            if hasEnded { break }
        }
        state.withLock { $0.owed.finished() }
        if owed.count > owedMaximum { count += try await delete(Array(owed.prefix(owed.count - owedMaximum)), lease) }
        return count
    }

    /// An alarm that has been recorded and not delivered stays longer than others.
    private func isKept(_ path: String, _ node: NodeData) -> Bool {
        guard let entry = try? JournalEntry(parsing: node.data ?? []), entry.kind == .alarm else { return false }
        let deliveries = channels.compactMap { entry.deliveries[$0] }
        let limit: Duration
        if deliveries.contains(.owed) {
            limit = Self.owedAge
        } else if deliveries.contains(where: { $0 != .delivered }) {
            limit = Self.givenUpAge
        } else {
            return false
        }
        let now = clock.now()
        return state.withLock { $0.owed.age(of: path, node.stat, at: now) } <= limit
    }

    private func delete(_ paths: [String], _ lease: Lease) async throws -> Int {
        var count = 0
        for start in stride(from: 0, to: paths.count, by: Self.batch) {
            let part = paths[start..<min(start + Self.batch, paths.count)]
            do {
                _ = try await lease.guarded(part.map { .delete(path: $0, version: -1) })
                count += part.count
            } catch let error as ZooKeeperError where error.code == .noNode || error.code == .notEmpty {
                // One of them stands in the way of the others: one by one.
                for path in part {
                    do {
                        _ = try await lease.guarded([.delete(path: path, version: -1)])
                        count += 1
                    } catch let error as ZooKeeperError where error.code == .noNode || error.code == .notEmpty {
                        continue
                    }
                }
            }
        }
        return count
    }
}
