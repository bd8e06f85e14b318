public import Logging
import Synchronization

/// A broker has not accepted us in time.
public struct MQTTUnreachable: Error, Sendable, Hashable, CustomStringConvertible {
    /// Why the latest attempt failed; nil when none has failed yet.
    public let reason: MQTTDisconnection?

    public var description: String { "the broker cannot be reached\(reason.map { ": \($0)" } ?? "")" }
}

extension MQTTClient {
    /// Connects, does the work, says goodbye: for a program that needs the broker for a while only.
    ///
    /// - Parameter timeout: How long the first connection may take.
    /// - Throws: ``MQTTUnreachable``; what ``run()`` throws, and what the work throws.
    public static func connected<Result: Sendable>(
        _ configuration: Configuration, subscriptions: [MQTTSubscription] = [], timeout: Duration = .seconds(5),
        logger: Logger, _ work: @escaping @Sendable (MQTTClient) async throws -> Result
    ) async throws -> Result {
        let client = MQTTClient(configuration: configuration, subscriptions: subscriptions, logger: logger)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            try await client.waitForBroker(timeout: timeout)
            let result = try await work(client)
            group.cancelAll()
            while (try? await group.next()) != nil {}
            return result
        }
    }

    /// Returns when the broker has accepted us.
    ///
    /// - Throws: ``MQTTUnreachable`` with the reason of the latest attempt, which ``waitUntilConnected(timeout:)`` does not
    ///   know while another one is under way; and `CancellationError`.
    public func waitForBroker(timeout: Duration) async throws {
        let refusal = LatestRefusal()
        try await wait(
            timeout, for: connectionUpdates(),
            until: { state in
                if case .disconnected(let reason) = state { refusal.set(reason) }
                return state.isConnected
            },
            failure: { MQTTUnreachable(reason: refusal.reason) })
    }

    /// Returns when there is no connection.
    ///
    /// - Throws: ``MQTTError/timedOut(_:)``, and `CancellationError`.
    public func waitUntilDisconnected(timeout: Duration) async throws {
        try await wait(timeout, for: connectionUpdates(), until: { !$0.isConnected }) {
            MQTTError.timedOut("the end of the connection to \(self.broker)")
        }
    }
}

private final class LatestRefusal: Sendable {
    private let state = Mutex<MQTTDisconnection?>(nil)

    var reason: MQTTDisconnection? { state.withLock { $0 } }

    func set(_ reason: MQTTDisconnection) { state.withLock { $0 = reason } }
}
