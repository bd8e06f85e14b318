import Logging
import MQTT
import Plant
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A connection to the broker for the length of a subcommand.
enum BrokerConnection {
    /// A client id that no other process has.
    static func clientID(_ purpose: String) -> String {
        "linekeeper-\(purpose)-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    }

    /// Says nothing by itself: the subcommand says what went wrong, once.
    static let quiet: Logger = {
        var logger = Logger(label: "linekeeper") { StandardErrorLog(label: $0, level: .critical) }
        logger.logLevel = .critical
        return logger
    }()

    /// Connects, does the work, says good-bye.
    static func run<Result: Sendable>(
        _ settings: MQTTClient.Configuration, subscriptions: [MQTTSubscription], timeout: Duration = .seconds(5),
        _ work: @escaping @Sendable (MQTTClient) async throws -> Result
    ) async throws -> Result {
        let client = MQTTClient(configuration: settings, subscriptions: subscriptions, logger: quiet)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            try await connected(client, timeout: timeout)
            let result = try await work(client)
            group.cancelAll()
            while (try? await group.next()) != nil {}
            return result
        }
    }

    /// Returns once the broker has accepted the client.
    static func connected(_ client: MQTTClient, timeout: Duration) async throws {
        let deadline = ContinuousClock.now + timeout
        let refusal = LastRefusal()
        try await Deadline.wait(until: deadline) {
            for await state in client.connectionUpdates() {
                switch state {
                case .connected: return
                case .disconnected(let reason): refusal.set(reason)
                case .connecting: break
                }
            }
        }
        if client.connectionState.isConnected { return }
        try Task.checkCancellation()
        let reason = refusal.reason
        throw CommandFailure(
            .unreachable, "the broker cannot be reached\(reason.map { ": \($0)" } ?? ""); \(advice(after: reason))")
    }

    /// What to look at.
    private static func advice(after reason: MQTTDisconnection?) -> String {
        switch reason {
        case .refused(.badUserNameOrPassword), .refused(.notAuthorized):
            "look at mqtt.username and mqtt.passwordFile, and at the broker's password file and access list"
        case .refused(.clientIDNotValid): "look at mqtt.clientID"
        case .refused, .closedByBroker: "the broker's log says why"
        case .tls:
            "look at mqtt.ca, mqtt.certificate and mqtt.key, and at the certificate that the broker shows and its dates"
        case .protocolError: "does a broker listen there, for mqtt:// or mqtts:// and mqtt.protocol as configured?"
        case nil, .notStarted, .stopped, .suspended, .givenUp, .timedOut, .network:
            "is it running? (systemctl status mosquitto)"
        }
    }
}

private final class LastRefusal: Sendable {
    private let state = Mutex<MQTTDisconnection?>(nil)
    var reason: MQTTDisconnection? { state.withLock { $0 } }
    func set(_ reason: MQTTDisconnection) { state.withLock { $0 = reason } }
}
