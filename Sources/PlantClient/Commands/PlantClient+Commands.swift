package import Plant
import ZooKeeperClient

extension PlantClient {
    private var commandClient: CommandClient { CommandClient(client: tree, clock: clock) }

    /// Asks for a command. Asking again for the same under the same id is harmless: it is carried out once.
    ///
    /// - Parameters:
    ///   - patience: how long to wait for what becomes of it; nil: only until it is requested.
    ///   - changed: called with each state that is seen while waiting, the first included.
    /// - Returns: The command as it stands then.
    /// - Throws: ``PlantFailure/unused``, and ``PlantFailure/command(_:)`` when the id stands for another command.
    package func send(
        _ record: CommandRecord, patience: Duration?, changed: (@Sendable (CommandRecord) -> Void)? = nil
    ) async throws -> CommandRecord {
        try await PlantFailure.translating {
            guard try await tree.exists("/") != nil else { throw PlantFailure.unused }
            let submission = try await commandClient.submit(record)
            guard let patience else {
                if case .known(let earlier) = submission { return earlier }
                return record
            }
            return try await commandClient.wait(record.id, until: clock.now() + patience, changed: changed)
        }
    }

    /// A command as it stands; nil when there is none of that id.
    package func command(_ id: String) async throws -> CommandRecord? {
        try await PlantFailure.translating { try await commandClient.show(id) }
    }

    /// All commands that stand in the tree, open and finished.
    package func commands() async throws -> CommandClient.Listing {
        try await PlantFailure.translating { try await commandClient.list() }
    }

    /// Asks for a command to be withdrawn.
    ///
    /// - Parameter patience: How long the owner of its device may take to do so.
    /// - Returns: The command as it stands then.
    package func cancelCommand(
        _ id: String, by operatorName: String, at now: Milliseconds, patience: Duration = .seconds(5)
    ) async throws -> CommandRecord {
        try await PlantFailure.translating {
            try await commandClient.cancel(id, by: operatorName, at: now)
            return try await commandClient.wait(id, until: clock.now() + patience)
        }
    }
}
