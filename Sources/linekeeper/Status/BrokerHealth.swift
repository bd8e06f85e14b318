import JSON
import MQTT
import Plant
import PlantClient
import PlantConfiguration

/// Whether a broker lets us in.
struct BrokerHealth: Sendable {
    var broker: String
    var problem: String?

    var isWell: Bool { problem == nil }

    /// Asks each broker of the list, all at the same time; empty when there is no configuration that would name one.
    static func probe(configuration: GatewayConfiguration?) async -> [BrokerHealth] {
        guard let settings = configuration?.mqtt else { return [] }
        return await withTaskGroup(of: (index: Int, health: BrokerHealth).self) { group in
            for (index, broker) in settings.brokers.enumerated() {
                var alone = settings
                alone.broker = broker
                alone.alternatives = []
                group.addTask { [alone] in (index, await probe(alone)) }
            }
            var found: [(index: Int, health: BrokerHealth)] = []
            for await one in group { found.append(one) }
            return found.sorted { $0.index < $1.index }.map(\.health)
        }
    }

    private static func probe(_ settings: MQTTSettings) async -> BrokerHealth {
        let broker = settings.broker.description
        do {
            let client = try settings.clientConfiguration(clientID: BrokerConnection.clientID("status"))
            try await BrokerConnection.run(client, subscriptions: [], timeout: .seconds(3)) { _ in }
            return BrokerHealth(broker: broker)
        } catch let failure as CommandFailure {
            return BrokerHealth(broker: broker, problem: failure.message)
        } catch {
            return BrokerHealth(broker: broker, problem: "\(error)")
        }
    }

    var line: String {
        "broker   "
            + (problem.map { Style.red.applied(to: printable("\(broker): \($0)")) }
                ?? "\(Style.green.applied(to: "answers")) at \(broker)")
    }

    var json: JSONValue {
        [
            "kind": "broker", "broker": .string(broker), "reachable": .bool(isWell),
            "problem": problem.map(JSONValue.string) ?? .null,
        ]
    }
}
