import MQTT
import Plant
import PlantConfiguration

extension Observation {
    /// What a gateway with this configuration observes.
    ///
    /// - Parameter answerFilters: topics on which devices answer commands; the gateway listens to them.
    init(_ local: LocalConfiguration, _ definition: PlantDefinition, answerFilters: [TopicFilter]) {
        let heard = definition.routes.flatMap(\.subscriptionFilters) + answerFilters
        let replies = local.mqtt.replyPrefix.flatMap { try? TopicFilter($0 + "#") }
        // What the listening connection hears in any case is counted there.
        self.init(
            filters: TopicFilter.uncovered(local.mqtt.observe).filter { filter in
                !heard.contains { $0.covers(filter) }
            },
            exceptions: answerFilters + definition.commandFilters + (replies.map { [$0] } ?? []))
    }

    /// None covers another: a broker may deliver a message once for each that matches. What is missed while there is no
    /// connection is of no interest.
    var subscriptions: [MQTTSubscription] { filters.map { MQTTSubscription(filter: $0.text, qos: .atMostOnce) } }
}
