package import Plant

extension PlantClient {
    /// What the journal shows of its end.
    package struct JournalExcerpt: Sendable {
        package let entries: [NumberedEntry]
        /// Whether nothing has been recorded at all, of no kind.
        package let isJournalEmpty: Bool
    }

    /// The latest entries of the journal, in the order of recording.
    ///
    /// - Parameters:
    ///   - count: how many; nil: all that are kept.
    ///   - kind: of which kind; nil: of all.
    package func journal(last count: Int?, kind: JournalEntry.Kind? = nil) async throws -> JournalExcerpt {
        try await PlantFailure.translating {
            let reader = JournalReader(client: tree, kind: kind)
            let numbers = try await reader.numbers()
            return JournalExcerpt(
                entries: try await reader.latest(count, of: numbers), isJournalEmpty: numbers.isEmpty)
        }
    }

    /// Calls `receive` with the latest entries, then with those that are recorded from then on, until it is cancelled.
    package func followJournal(
        last count: Int?, kind: JournalEntry.Kind? = nil, receive: ([NumberedEntry]) async throws -> Void
    ) async throws {
        try await PlantFailure.translating {
            try await JournalReader(client: tree, kind: kind).follow(last: count, receive: receive)
        }
    }
}
