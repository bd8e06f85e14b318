package import Plant
import Primitives
package import ZooKeeperClient

/// A plant, read, followed and asked through its tree: what the command line and tests share, and what any other program
/// for people would stand on.
///
/// Everything that it throws of its own is a ``PlantFailure``. Cancellation ends each call with `CancellationError`.
package struct PlantClient: Sendable {
    let tree: ZooKeeperClient
    let clock: WaitingClock

    /// - Parameter tree: a client whose root is the plant's part of the tree, and which its owner keeps running.
    package init(tree: ZooKeeperClient, clock: WaitingClock = .system) {
        self.tree = tree
        self.clock = clock
    }

    // MARK: Reading and following

    /// All items of a selection, in the order of their keys.
    package func items<Item>(_ selection: Selection<Item>) async throws -> [Item] {
        try await PlantFailure.translating { try await SelectionReader(client: tree, selection: selection).items() }
    }

    /// Calls `first` with the items as they are, then `changes` with each batch of changes, until it is cancelled.
    ///
    /// Changes of one item that come faster than they can be read are seen as one.
    package func follow<Item>(
        _ selection: Selection<Item>, first: ([Item]) async throws -> Void,
        changes: ([Selection<Item>.Change]) async throws -> Void
    ) async throws {
        try await PlantFailure.translating {
            try await SelectionReader(client: tree, selection: selection).follow(first: first, changes: changes)
        }
    }

    /// How the plant and its gateways are.
    package func status() async throws -> PlantStatus {
        try await PlantFailure.translating { try await StatusReader(client: tree).status() }
    }

    // MARK: Asking

    var requests: RequestClient { RequestClient(client: tree, clock: clock) }

    /// Asks the active alarm processor for something, and returns its answer.
    ///
    /// - Parameters:
    ///   - name: Who asks.
    ///   - now: The moment at which it is asked.
    ///   - patience: How long it may take; then the request is withdrawn.
    /// - Throws: ``PlantFailure/unused``, ``PlantFailure/noAlarmProcessor(waited:)``,
    ///   ``PlantFailure/unanswered(by:waited:)`` or ``PlantFailure/discarded`` when there was no answer.
    package func ask(
        _ operation: AlarmOperation, by name: String, at now: Milliseconds, patience: Duration = .seconds(5)
    ) async throws -> RequestAnswer {
        try await PlantFailure.translating {
            if let mistake = operation.mistake ?? Principal.mistake(inName: name) {
                throw PlantFailure.impossible(mistake)
            }
            let request = Request(
                id: RequestClient.newID(), by: name, at: now,
                deadline: now.addingClamped(patience.wholeMilliseconds), .alarm(operation))
            switch try await requests.ask(request, patience: patience) {
            case .answered(let answer): return answer
            case .removed: throw PlantFailure.discarded
            case .open: break
            }
            guard let processor = try await StatusReader(client: tree).alarmProcessor() else {
                throw PlantFailure.noAlarmProcessor(waited: patience)
            }
            throw PlantFailure.unanswered(by: processor, waited: patience)
        }
    }
}
