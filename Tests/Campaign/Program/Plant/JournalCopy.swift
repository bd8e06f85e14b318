import CampaignOracle
import Foundation
import Synchronization
import TestFixtures
import ZooKeeperClient
import ZooKeeperProtocol

/// Everything that the journal has ever held, entries that somebody deletes later included.
final class JournalCopy: Sendable {
    struct Entry: Sendable {
        let place: Place
        let recordedAt: Int64
        /// nil: not of an alarm.
        let transition: SeenTransition?
        let text: String
    }

    /// The order of recording: czxid, because sequence numbers begin again when the root is made again, and the sequence
    /// number, because one transaction may record several.
    struct Place: Sendable, Hashable, Comparable {
        let zxid: Int64
        let sequence: Int64

        static func < (left: Place, right: Place) -> Bool {
            (left.zxid, left.sequence) < (right.zxid, right.sequence)
        }
    }

    private let reader: TreeReader
    private let known = Mutex<[Place: Entry]>([:])
    /// Node names of entries that were read; forgotten when the root is deleted.
    private let read = Mutex<Set<String>>([])

    init(_ reader: TreeReader) { self.reader = reader }

    /// In the order in which they were recorded.
    var entries: [Entry] { known.withLock { $0.values.sorted { $0.place < $1.place } } }
    var transitions: [SeenTransition] { entries.compactMap(\.transition) }

    /// How often the alarm processor changed.
    var takeovers: Int {
        entries.filter { $0.text.contains("\"ownership\"") && $0.text.contains("alarm-processor") }.count
    }

    /// Reads what is new.
    func update() async throws {
        let names = try await reader.children("/journal")
        let new = read.withLock { read in names.filter { !read.contains($0) } }.sorted()
        for start in stride(from: 0, to: new.count, by: 100) {
            let batch = new[start..<min(start + 100, new.count)]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for name in batch { group.addTask { try await self.take(name) } }
                try await group.waitForAll()
            }
        }
    }

    private func take(_ name: String) async throws {
        guard let node = try await reader.read("/journal/" + name), let data = node.data, !data.isEmpty else { return }
        let sequence = name.split(separator: "-").last.flatMap { Int64($0) } ?? -1
        let entry = Entry(
            place: Place(zxid: node.stat.czxid, sequence: sequence), recordedAt: node.stat.ctime,
            transition: try AlarmMessage.readEntry(data, sequence: sequence),
            text: String(decoding: data, as: UTF8.self))
        known.withLock { $0[entry.place] = entry }
        read.withLock { _ = $0.insert(name) }
    }

    /// Deletes the journal as an operator's mistake would, having read what it deletes.
    func deleteRoot() async throws {
        for _ in 0..<200 {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for name in try await reader.children("/journal") {
                    group.addTask {
                        try await self.take(name)
                        try? await self.reader.client.delete("/journal/" + name)
                    }
                }
                try await group.waitForAll()
            }
            do {
                try await reader.client.delete("/journal")
                return read.withLock { $0.removeAll() }
            } catch let error as ZooKeeperError where error.code == .notEmpty { continue }
        }
        throw FixtureError("the journal grows faster than it can be deleted")
    }
}
