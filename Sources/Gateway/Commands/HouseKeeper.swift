package import Logging
package import Plant
import Synchronization
package import ZooKeeperClient
import ZooKeeperProtocol
package import ZooKeeperRecipes

/// Trims `/commands` and `/journal` to what ``CommandRetention`` says. For the active alarm processor, which calls ``step(lease:)`` now and
/// then; every deletion is guarded by its lease.
package final class HouseKeeper: Sendable {
    /// What one step has removed.
    package struct Trimmed: Sendable, Hashable {
        package var commands = 0
        package var journalEntries = 0
    }

    /// How long, and for how many entries, announcing is tried.
    static let announcing = Announcements.Limits()
    /// Long enough to see in the journal what was given up.
    static let unannouncedAge = announcing.age + 3_600_000
    /// Deletions in one transaction.
    static let batch = 100

    private let client: ZooKeeperClient
    private let retention: CommandRetention
    private let journalMaximum: Int
    private let logger: Logger
    /// Finished commands that have been read already: the end of a command does not change any more.
    private let finished = Mutex<[String: CommandRetention.Item]>([:])

    /// - Parameter journalMaximum: what the journal holds at most after a step, owed entries included (DESIGN.md, "The
    ///   tree").
    package init(
        client: ZooKeeperClient, retention: CommandRetention = .init(), journalMaximum: Int = 25_000, logger: Logger
    ) {
        self.client = client
        self.retention = retention
        self.journalMaximum = journalMaximum
        self.logger = logger
    }

    /// Looks and trims once. Throws when the tree cannot be reached or the lease is lost; what is done is done.
    package func step(lease: Lease, at now: Milliseconds) async throws -> Trimmed {
        var trimmed = Trimmed()
        trimmed.commands = try await trimCommands(lease, now)
        trimmed.journalEntries = try await trimJournal(lease, now)
        if trimmed != Trimmed() {
            logger.debug(
                "trimmed", metadata: ["commands": "\(trimmed.commands)", "journal": "\(trimmed.journalEntries)"])
        }
        return trimmed
    }

    private func trimCommands(_ lease: Lease, _ now: Milliseconds) async throws -> Int {
        let names = Set(try await children(of: TreeLayout.commands))
        let unknown = finished.withLock { finished in
            finished = finished.filter { names.contains($0.key) }
            return names.filter { finished[$0] == nil }.sorted()
        }
        let paths = unknown.map { TreeLayout.commands + "/" + $0 }
        var ended: [String: CommandRetention.Item] = [:]
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
                    name: name, finishedAt: record.finishedAt ?? node.stat.mtime, isRefused: record.state == .rejected)
            }
        }
        let items = finished.withLock { finished in
            finished.merge(ended) { _, new in new }
            return Array(finished.values)
        }
        let old = retention.trimmable(items, at: now)
        return try await delete(old.map { TreeLayout.commands + "/" + $0 }, lease)
    }

    /// Entries are numbered in the order of time, so only the oldest are read. An alarm's entry whose announcement is still
    /// owed stays for as long as it is tried to be announced, and one that was given up for an hour longer; but never so many
    /// that the journal outgrows its maximum.
    private func trimJournal(_ lease: Lease, _ now: Milliseconds) async throws -> Int {
        let names = try await children(of: TreeLayout.journal)
            .compactMap { name in TreeLayout.journalSequence(ofNode: name).map { (name, $0) } }
            .sorted { $0.1 < $1.1 }
            .map(\.0)
        let excess = names.count - retention.count
        let horizon = now - min(retention.age, now)
        var count = 0
        var owed: [String] = []
        for start in stride(from: 0, to: names.count, by: TreeWalk.window) {
            let paths = names[start..<min(start + TreeWalk.window, names.count)].map { TreeLayout.journal + "/" + $0 }
            var old: [String] = []
            var sawYoung = false
            for (index, node) in try await TreeWalk(client: client).data(of: paths).enumerated() {
                guard let node else { continue }
                guard start + index < excess || node.stat.ctime < horizon else {
                    sawYoung = true
                    break
                }
                if Self.isOwed(node.data ?? []), now &- node.stat.ctime <= Self.unannouncedAge {
                    owed.append(paths[index])
                } else {
                    old.append(paths[index])
                }
            }
            count += try await delete(old, lease)
            // Entries are numbered in the order of time: behind a young one there are only younger ones.
            if sawYoung { break }
        }
        let kept = max(0, min(Self.announcing.count, journalMaximum - retention.count))
        if owed.count > kept { count += try await delete(Array(owed.prefix(owed.count - kept)), lease) }
        return count
    }

    /// An alarm that has been recorded and not announced.
    private static func isOwed(_ data: [UInt8]) -> Bool {
        guard let json = try? JSONValue(parsing: data), json["kind"] == "alarm" else { return false }
        return json["announced"]?.boolValue == false || json["announcement"] != nil
    }

    private func children(of path: String) async throws -> [String] {
        do { return try await client.getChildren(path) } catch let error as ZooKeeperError where error.code == .noNode {
            return []
        }
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
