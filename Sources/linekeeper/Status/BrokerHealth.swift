import Gateway
import MQTT
import Plant

/// Whether the broker lets us in.
struct BrokerHealth: Sendable {
    var broker: String
    var problem: String?

    var isWell: Bool { problem == nil }

    /// nil when there is no configuration that would name a broker.
    static func probe(configuration: GatewayConfiguration?) async -> BrokerHealth? {
        guard let configuration else { return nil }
        let broker = configuration.mqtt.broker.description
        do {
            let settings = try configuration.mqtt.clientConfiguration(clientID: BrokerConnection.clientID("status"))
            try await BrokerConnection.run(settings, subscriptions: [], timeout: .seconds(3)) { _ in }
            return BrokerHealth(broker: broker)
        } catch let failure as CommandFailure {
            return BrokerHealth(broker: broker, problem: failure.message)
        } catch {
            return BrokerHealth(broker: broker, problem: "\(error)")
        }
    }

    var line: String {
        "broker   "
            + (problem.map { Style.red.applied(to: printable($0)) }
                ?? "\(Style.green.applied(to: "answers")) at \(broker)")
    }

    var json: JSONValue {
        [
            "kind": "broker", "broker": .string(broker), "reachable": .bool(isWell),
            "problem": problem.map(JSONValue.string) ?? .null,
        ]
    }
}
