import MQTT
import Plant
import PlantClient
import PlantConfiguration

/// The two connections of a gateway to its broker, a further one when it observes what no route takes, and one while it is the host
/// application of Sparkplug B.
///
/// They are two so that acknowledgements of incoming messages, which wait until the messages have been taken over, and
/// outgoing announcements do not wait for each other. Of a list of brokers both go to the same one when they can: what this
/// gateway says to itself on one must be heard on the other, also while a bridge between brokers is down.
struct BrokerConnections {
    let local: LocalConfiguration
    let identity: GatewayIdentity
    let companions = MQTTCompanions()

    private var clientID: String {
        local.mqtt.clientID ?? "linekeeper-\(local.plant)-\(local.gateway)"
    }

    /// For announcements, commands and what gateways say to each other. Carries the last will.
    func publishing() throws -> MQTTClient.Configuration {
        var result = try common(clientID: clientID + "-control")
        result.cleanStart = true
        result.sessionExpiry = .zero
        result.keepAlive = min(local.mqtt.keepAlive, .seconds(5))
        result.maxInFlightPublishes = local.limits.maxInFlightPublishes
        let notice = GatewayNotice(identity, .offline)
        result.will = MQTTWill(
            topic: GatewayNotice.topic(plant: local.plant, gateway: identity.gateway), payload: notice.payload,
            qos: .atLeastOnce, retain: true)
        return result
    }

    /// What a gateway listens to: the routes' topics, their presence topics, where devices answer commands, and its own
    /// echoes.
    static func subscriptions(
        routes: [RouteDefinition], answerFilters: [TopicFilter], echoTopic: String
    ) -> [MQTTSubscription] {
        let filters = routes.flatMap(\.subscriptionFilters) + answerFilters
        return Set(filters.map(\.description) + [echoTopic]).sorted().map {
            MQTTSubscription(filter: $0, qos: .atLeastOnce)
        }
    }

    /// For what sensors and devices publish; the broker keeps the session while the gateway is away.
    func listening() throws -> MQTTClient.Configuration {
        var result = try common(clientID: clientID)
        result.cleanStart = false
        result.sessionExpiry = .seconds(3600)
        result.inboxMessageLimit = local.limits.inboxMessages
        result.inboxByteLimit = local.limits.inboxBytes
        return result
    }

    /// For counting what no route takes. The broker keeps nothing for it, and nobody waits for it.
    func observing() throws -> MQTTClient.Configuration {
        var result = try common(clientID: clientID + "-observe")
        result.cleanStart = true
        result.sessionExpiry = .zero
        // Where this one is does not draw the others to a broker that they have left.
        result.companions = nil
        result.acknowledgement = .whenNextBatchIsRequested
        result.inboxMessageLimit = min(local.limits.inboxMessages, 20_000)
        result.inboxByteLimit = min(local.limits.inboxBytes, 16 << 20)
        return result
    }

    /// As a host application of Sparkplug B: one connection, whose will is that of the host's STATE. It is made where the publishing
    /// connection stands, and draws none of the others there.
    func hosting(at broker: MQTTBroker, will: MQTTWill) throws -> MQTTClient.Configuration {
        var result = try common(clientID: clientID + "-sparkplug")
        result.broker = broker
        result.alternatives = []
        result.companions = nil
        result.startsSuspended = false
        result.reconnects = false
        result.cleanStart = true
        result.sessionExpiry = .zero
        result.keepAlive = min(local.mqtt.keepAlive, .seconds(5))
        result.inboxMessageLimit = 1_000
        result.inboxByteLimit = 16 << 20
        result.will = will
        try result.validate()
        return result
    }

    private func common(clientID: String) throws -> MQTTClient.Configuration {
        var result = try local.mqtt.clientConfiguration(clientID: clientID)
        result.companions = companions
        result.maxPayload = local.limits.maxPayload
        // A few gateways do not burden a broker, and each waits for values: never much longer than the broker is away.
        result.reconnect.maximum = .milliseconds(500)
        // A second connection under this gateway's name throws the first out: the name must be held in the tree first.
        result.startsSuspended = true
        try result.validate()
        return result
    }
}

extension BrokerConnections {
    /// Gives up a broker that delivers nothing. Both connections go, to another one if there is a list; when they are apart
    /// one of them goes where the other is, and the next time the other one: either may be at the wrong broker. First the
    /// publishing one, which leaves nothing behind: the broker of the other may still deliver what it has kept.
    ///
    /// The publishing connection says goodbye: its last will would have the others take this gateway for dead.
    ///
    /// - Parameter time: 1 for the first departure since the last echo, then 2, …
    static func leave(subscriber: MQTTClient, publisher: MQTTClient, because why: String, time: Int) {
        let areApart = areApart(subscriber: subscriber, publisher: publisher)
        if !areApart || time % 2 == 0 { subscriber.reconnect(because: why) }
        if !areApart || time % 2 == 1 { publisher.reconnect(because: why, sayingGoodbye: true) }
    }

    /// Whether the two connections are at different brokers.
    static func areApart(subscriber: MQTTClient, publisher: MQTTClient) -> Bool {
        subscriber.connectionState.isConnected && publisher.connectionState.isConnected
            && subscriber.broker != publisher.broker
    }

    /// The broker at which a gateway publishes and hears what `filters` are about; nil while it does not, or hears it elsewhere.
    static func place(subscriber: MQTTClient, publisher: MQTTClient, hearing filters: Set<String>) -> MQTTBroker? {
        guard publisher.connectionState.isConnected, subscriber.subscriptionStatus.grants(filters),
            !areApart(subscriber: subscriber, publisher: publisher)
        else { return nil }
        return publisher.broker
    }

    /// The brokers at which the two connections stand: one when they have met, none while both are away.
    static func addresses(subscriber: MQTTClient, publisher: MQTTClient) -> [String] {
        var addresses: [String] = []
        for client in [subscriber, publisher] where client.connectionState.isConnected {
            let address = "\(client.broker)"
            if !addresses.contains(address) { addresses.append(address) }
        }
        return addresses
    }

    /// What the two connections have counted, by name.
    static func numbers(subscriber: MQTTClient, publisher: MQTTClient) -> [(name: String, value: UInt64)] {
        let incoming = subscriber.statistics
        let outgoing = publisher.statistics
        return [
            ("mqttReceived", incoming.received), ("mqttReceivedBytes", incoming.receivedBytes),
            ("mqttTooLarge", incoming.droppedTooLarge), ("mqttShed", incoming.droppedInboxFull),
            ("mqttPauses", incoming.pauses), ("mqttAcknowledgementsForced", incoming.acknowledgementsForced),
            ("mqttConnections", incoming.connections), ("mqttSubscriptionsRefused", incoming.subscriptionsRefused),
            ("mqttPublished", outgoing.published), ("mqttPublishFailures", outgoing.publishFailures),
        ]
    }
}

extension MQTTSubscriptionStatus {
    /// Whether the broker has answered every subscription, and refused none of these.
    func grants(_ filters: Set<String>) -> Bool { isComplete && filters.isDisjoint(with: refused.keys) }
}
