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
    let commandRequest: @Sendable (_ payload: [UInt8], _ properties: MQTTProperties?) -> Void
    /// Takes what the broker retains of the alarms; false for everything else.
    let retained: @Sendable (_ topic: ArraySlice<UInt8>, _ payload: [UInt8], _ isRetained: Bool) -> Bool
    let logger: Logger

    static func subscriptions(plant: String) -> [MQTTSubscription] {
        [
            MQTTSubscription(filter: "linekeeper/\(plant)/gateways/+", qos: .atLeastOnce),
            MQTTSubscription(filter: "linekeeper/\(plant)/commands/request", qos: .atLeastOnce),
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
        let requests = Array("linekeeper/\(plant)/commands/request".utf8)
        await withDiscardingTaskGroup { group in
            for await batch in publisher.batches {
                for entry in batch.entries {
                    let payload = Array(batch.payload(entry))
                    if batch.topic(entry).elementsEqual(requests) {
                        // A retained request would be executed again by everyone who connects: refuse to know it.
                        if !entry.retain { commandRequest(payload, batch.properties(entry)) }
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
