import Plant
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// Reads the journal from its end, or follows it.
struct JournalReader: Sendable {
    /// As many entries are read at once, at least.
    private static let window = 512

    let client: ZooKeeperClient
    /// nil: entries of all kinds.
    let kind: JournalEntry.Kind?

    /// Sequence numbers in the order of recording. The server's counter wraps around after 2³¹ entries, far beyond what is
    /// kept.
    func numbers() async throws -> [Int64] {
        try await TreeWalk(client: client).children(of: TreeLayout.journal).compactMap(
            TreeLayout.journalSequence(ofNode:)
        ).sorted()
    }

    /// The latest entries of the wanted kind among these, in order, read from the end until there are enough.
    ///
    /// - Parameter count: How many; nil: all.
    func latest(_ count: Int?, of numbers: [Int64]) async throws -> [NumberedEntry] {
        var left = numbers[...]
        var found: [NumberedEntry] = []
        while !left.isEmpty, count.map({ found.count < $0 }) ?? true {
            let part = left.suffix(count.map { max($0, Self.window) } ?? left.count)
            left = left.dropLast(part.count)
            found = try await entries(part) + found
        }
        return found.suffix(count ?? .max)
    }

    private func entries(_ numbers: ArraySlice<Int64>) async throws -> [NumberedEntry] {
        let nodes = try await TreeWalk(client: client).data(of: numbers.map(TreeLayout.journalEntry))
        return zip(numbers, nodes).compactMap { number, node in
            guard let data = node?.data, let entry = try? JournalEntry(parsing: data), kind == nil || entry.kind == kind
            else { return nil }
            return NumberedEntry(number: number, entry: entry)
        }
    }

    /// Calls `receive` with the latest entries, then with those that are recorded from then on, until it is cancelled.
    func follow(last count: Int?, receive: ([NumberedEntry]) async throws -> Void) async throws {
        var newest: Int64?
        try await SubtreeFollower(client: client, path: TreeLayout.journal).follow { element in
            var new: [Int64]
            switch element {
            case .gap: new = try await numbers()
            case .event(let event):
                guard event.type == .nodeCreated else { return }
                new = [TreeLayout.journalSequence(ofPath: event.path)].compactMap(\.self)
            }
            if let newest {
                new.removeAll { $0 <= newest }
                try await receive(try await entries(new[...]))
            } else {
                try await receive(try await latest(count, of: new))
            }
            newest = new.last ?? newest ?? -1
        } failed: { error in
            try await ReadAgain.after(error)
        }
    }
}
