package import JSON
package import Logging
import MQTT
package import PlantConfiguration

/// Whether a broker lets this program in.
package struct BrokerHealth: Sendable {
    /// How long a broker may take.
    private static let patience = Duration.seconds(3)

    package var broker: String
    package var problem: String?

    package var isWell: Bool { problem == nil }

    package var json: JSONValue {
        [
            "kind": "broker", "broker": .string(broker), "reachable": .bool(isWell),
            "problem": problem.map(JSONValue.string) ?? .null,
        ]
    }

    /// Asks each broker of the list, all at the same time.
    ///
    /// - Parameter logger: For what the broker's client has to say beside the problem.
    package static func probe(_ settings: MQTTSettings, logger: Logger) async -> [BrokerHealth] {
        await withTaskGroup(of: (index: Int, health: BrokerHealth).self) { group in
            for (index, broker) in settings.brokers.enumerated() {
                var alone = settings
                alone.broker = broker
                alone.alternatives = []
                group.addTask { [alone] in (index, await one(alone, logger: logger)) }
            }
            var found: [(index: Int, health: BrokerHealth)] = []
            for await one in group { found.append(one) }
            return found.sorted { $0.index < $1.index }.map(\.health)
        }
    }

    private static func one(_ settings: MQTTSettings, logger: Logger) async -> BrokerHealth {
        let broker = settings.broker.description
        do {
            let client = try settings.clientConfiguration(purpose: "status")
            try await MQTTClient.connected(client, timeout: patience, logger: logger) { _ in }
            return BrokerHealth(broker: broker)
        } catch let failure as MQTTUnreachable {
            return BrokerHealth(broker: broker, problem: BrokerAdvice.text(failure))
        } catch {
            return BrokerHealth(broker: broker, problem: "\(error)")
        }
    }
}
