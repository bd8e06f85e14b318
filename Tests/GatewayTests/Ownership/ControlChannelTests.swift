import Logging
import MQTT
import Plant
import Synchronization
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

@testable import Gateway

extension InATree {
    @Suite("ControlChannel, with a real broker", .timeLimit(.minutes(5)))
    struct ControlChannelTests {
        private final class Requests: Sendable {
            private let all = Mutex<[String]>([])
            func append(_ payload: [UInt8]) { all.withLock { $0.append(String(decoding: payload, as: UTF8.self)) } }
            var texts: [String] { all.withLock { $0 } }
        }

        @Test(
            "it says that the gateway lives, follows the word of another's death, and takes requests that are not retained"
        )
        func channel() async throws {
            let broker = try await Mosquitto()
            try await OwnershipTestBed.with { bed, group in
                let dead = GatewayIdentity(
                    gateway: "b", host: "h", pid: 1, version: "1", started: 1, life: "b1", proof: nil)
                let record = GatewayRecord(identity: dead, isReady: true, isSettled: true, routesDigest: "r")
                try await bed.observer.create("/gateways/b", data: record.serialized(), mode: .ephemeral)

                let identity = GatewayIdentity.ofThisProcess(gateway: "a", version: "1", started: 5)
                let publisher = MQTTClient(
                    configuration: .init(broker: try MQTTBroker(url: broker.url), clientID: "a-control"),
                    subscriptions: ControlChannel.subscriptions(plant: "test"), logger: bed.logger)
                let other = MQTTClient(
                    configuration: .init(broker: try MQTTBroker(url: broker.url), clientID: "other"),
                    logger: bed.logger)
                group.addTask { try await other.run() }
                try await other.waitUntilConnected(timeout: .seconds(10))
                let request = "linekeeper/test/commands/request"
                for topic in [request, "linekeeper/test/requests/ann"] {
                    try await other.publish(topic: topic, payload: Array("old".utf8), retain: true)
                }

                let requests = Requests()
                let channel = ControlChannel(
                    publisher: publisher, plant: "test", identity: identity,
                    takeover: FastTakeover(client: bed.observer, gateway: "a", logger: bed.logger),
                    request: { _, payload, _ in requests.append(payload) }, retained: { _, _, _ in false },
                    logger: bed.logger)
                group.addTask { try await publisher.run() }
                group.addTask { try await channel.run() }
                try await publisher.waitUntilSubscribed(timeout: .seconds(10))
                try await eventually("its own notice at the broker", seen: { broker.log }) {
                    broker.log.contains("'linekeeper/test/gateways/a'")
                }
                try await other.publish(topic: request, payload: Array("new".utf8))
                try await eventually("the request") { requests.texts == ["new"] }
                try await other.publish(
                    topic: GatewayNotice.topic(plant: "test", gateway: "b"), payload: Array("rubbish".utf8))
                var stranger = GatewayNotice(dead, .offline)
                stranger.life = "b0"
                for notice in [stranger, GatewayNotice(dead, .online)] {
                    try await other.publish(
                        topic: GatewayNotice.topic(plant: "test", gateway: "b"), payload: notice.payload)
                }
                try await other.publish(topic: request, payload: Array("behind".utf8))
                try await eventually("all of it") { requests.texts == ["new", "behind"] }
                #expect(try await bed.registration("b") != nil)
                try await other.publish(
                    topic: GatewayNotice.topic(plant: "test", gateway: "b"),
                    payload: GatewayNotice(dead, .offline).payload)
                try await eventually("the takeover") { try await bed.registration("b") == nil }
            }
        }
    }
}
