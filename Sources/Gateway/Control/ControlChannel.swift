import Logging
import MQTT
import Plant
import ServiceLifecycle

/// What gateways and operators say to each other over MQTT: notices of gateways' life and death, and command requests.
///
/// It shares the publishing connection, whose last will is this gateway's own death notice, so that a flood of sensor
/// messages cannot delay it.
struct ControlChannel: Service {
    let publisher: MQTTClient
    let plant: String
    let identity: GatewayIdentity
    let takeover: FastTakeover
    /// Takes what is asked for, and whose topic it came on; nil on the topic of earlier versions.
    let request: @Sendable (_ topicOf: String?, _ payload: [UInt8], _ properties: MQTTProperties?) -> Void
    /// Takes what the broker retains of the alarms; false for everything else.
    let retained: @Sendable (_ topic: ArraySlice<UInt8>, _ payload: [UInt8], _ isRetained: Bool) -> Bool
    let logger: Logger

    static func subscriptions(plant: String) -> [MQTTSubscription] {
        [
            MQTTSubscription(filter: "linekeeper/\(plant)/gateways/+", qos: .atLeastOnce),
            MQTTSubscription(filter: RequestTopics(plant: plant).filter, qos: .atLeastOnce),
            MQTTSubscription(filter: CommandTopics(plant: plant).request, qos: .atLeastOnce),
        ]
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.announceOwnLife() }
                group.addTask { await self.listen() }
                await group.waitForAll()
            }
        }
        // A clean stop: say so before the connection is closed, so that others need not wait for anything.
        await publish(.offline)
    }

    private func announceOwnLife() async {
        for await state in publisher.connectionUpdates() {
            if case .connected = state { await publish(.online) }
        }
    }

    private func publish(_ state: GatewayNotice.State) async {
        let notice = GatewayNotice(identity, state)
        _ = try? await publisher.publish(
            topic: GatewayNotice.topic(plant: plant, gateway: identity.gateway), payload: notice.payload,
            qos: .atLeastOnce, retain: true)
    }

    private func listen() async {
        let requests = RequestTopics(plant: plant)
        let earlierRequests = Array(CommandTopics(plant: plant).request.utf8)
        await withDiscardingTaskGroup { group in
            for await batch in publisher.batches {
                for entry in batch.entries {
                    let payload = Array(batch.payload(entry))
                    let topic = batch.topic(entry)
                    // A retained request would be carried out again by everyone who connects: refuse to know it.
                    if topic.elementsEqual(earlierRequests) {
                        if !entry.retain { request(nil, payload, batch.properties(entry)) }
                    } else if let principal = requests.principal(ofTopic: topic) {
                        if !entry.retain { request(principal, payload, batch.properties(entry)) }
                    } else if retained(batch.topic(entry), payload, entry.retain) {
                        continue
                    } else if let notice = GatewayNotice(payload: payload), let action = takeover.heard(notice) {
                        group.addTask { await takeover.perform(action) }
                    }
                }
                publisher.acknowledge(through: batch.number)
            }
        }
    }
}
