import MQTT
import ServiceLifecycle

/// Counts what comes on the connection for observing (`mqtt.observe`) and no route takes.
///
/// The connection is there for nothing else, so that nothing depends on it: the broker may refuse it or flood it, and what
/// it keeps for the listening one, which readiness and echoes go by, is what the routes want.
struct TopicObserver<Source: MessageSource>: Service {
    let source: Source
    let plant: PlantState

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await batch in source.batches { plant.observe(batch) }
        }
    }
}

extension MQTTSubscriptionStatus {
    /// Why what was subscribed to is not heard, in words; nil when it is.
    ///
    /// - Parameter connection: the one that this status is about.
    func failure(on connection: MQTTConnectionState) -> String? {
        guard connection.isConnected else { return "\(connection)" }
        return refused.isEmpty ? nil : refusedInWords
    }

    /// The first refused filters with the broker's reasons.
    var refusedInWords: String {
        refused.sorted { $0.key < $1.key }.prefix(5).map { "\($0.key): \($0.value)" }.joined(separator: ", ")
    }
}
