package import Plant
import Primitives
import ZooKeeperClient

extension PlantClient {
    private var commandClient: CommandClient { CommandClient(client: tree, clock: clock) }

    /// How long a command that nobody waits for may take to be taken up, before it is left in the mailbox.
    private static let pickUpTime = Duration.seconds(2)

    /// Asks for a command. Asking again for the same under the same id is harmless: it is carried out once.
    ///
    /// - Parameters:
    ///   - record: The command; who asks is its `by`.
    ///   - patience: How long to wait for what becomes of it. Nil: only until a gateway has taken it up, and if none does,
    ///     it stays in the mailbox until its time is over.
    ///   - changed: called with each state that is seen while waiting, the first included.
    /// - Returns: The command as it stands then.
    /// - Throws: ``PlantFailure/unused``, ``PlantFailure/noOwner(waited:)``, ``PlantFailure/discarded``, and
    ///   ``PlantFailure/refused(_:)`` when the id stands for another command.
    package func send(
        _ record: CommandRecord, patience: Duration?, changed: (@Sendable (CommandRecord) -> Void)? = nil
    ) async throws -> CommandRecord {
        try await PlantFailure.translating {
            if let mistake = CommandRecord.mistake(inID: record.id) { throw CommandRefusal.invalidID(mistake) }
            if let mistake = Principal.mistake(inName: record.by.name) { throw PlantFailure.impossible(mistake) }
            let request = Request(
                id: RequestClient.newID(), by: record.by.name, at: record.requestedAt, deadline: record.deadline,
                .command(
                    CommandOrder(
                        id: record.id, device: record.device, command: record.command, parameters: record.parameters,
                        timeout: record.timeout)))
            let end = patience.map { clock.now() + $0 }
            let outcome = try await requests.ask(
                request, patience: patience ?? Self.pickUpTime, withdraws: patience != nil)
            switch outcome {
            case .answered(let answer) where answer.result == .refused:
                throw PlantFailure.refused(answer.reason ?? "refused")
            case .answered: break
            case .removed: throw PlantFailure.discarded
            case .open:
                guard let patience else {
                    var waiting = record
                    waiting.detail = "no gateway has taken it up yet; it waits in the mailbox of \(record.by)"
                    return waiting
                }
                throw PlantFailure.noOwner(waited: patience)
            }
            guard let end else { return try await commandClient.show(record.id) ?? record }
            return try await commandClient.wait(record.id, until: end, changed: changed)
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

    /// Asks for a command to be withdrawn. One that no gateway has taken up yet is taken back from the mailbox.
    ///
    /// - Parameter patience: How long the owner of its device may take to do so.
    /// - Returns: The command as it stands then.
    /// - Throws: ``PlantFailure/refused(_:)`` when it is too late, ``PlantFailure/noOwner(waited:)``, and
    ///   ``PlantFailure/command(_:)`` when there is no such command.
    package func cancelCommand(
        _ id: String, by name: String, at now: Milliseconds, patience: Duration = .seconds(5)
    ) async throws -> CommandRecord {
        try await PlantFailure.translating {
            if let mistake = Principal.mistake(inName: name) { throw PlantFailure.impossible(mistake) }
            var found = try await commandClient.show(id)
            if found == nil {
                if let request = try await requests.withdraw(command: id, of: name),
                    var record = request.commandRecord(by: Principal(claimed: name))
                {
                    record.state = .cancelled
                    return record
                }
                // A gateway may have taken it up in between.
                found = try await commandClient.show(id)
            }
            guard let record = found else { throw CommandRefusal.notFound(id) }
            let end = clock.now() + patience
            let request = Request(
                id: RequestClient.newID(), by: name, at: now, deadline: now.addingClamped(patience.wholeMilliseconds),
                .cancel(command: id, device: record.device))
            switch try await requests.ask(request, patience: patience) {
            case .answered(let answer) where answer.result == .refused:
                throw PlantFailure.refused(answer.reason ?? "refused")
            case .answered: return try await commandClient.wait(id, until: end)
            case .removed: throw PlantFailure.discarded
            case .open: throw PlantFailure.noOwner(waited: patience)
            }
        }
    }
}
