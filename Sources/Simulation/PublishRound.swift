package import MQTT

/// Publishes many messages at once: messages on one topic in their order, topics beside each other.
package enum PublishRound {
    /// Messages under way at once.
    static let lanes = 64

    package struct Result: Sendable {
        package var sent = 0
        package var failed = 0
        package var error: MQTTError?
    }

    /// Returns when the broker has acknowledged every message, or its fate is known otherwise.
    package static func send(_ messages: [SimulatedMessage], qos: MQTTQoS, _ client: MQTTClient) async -> Result {
        var byLane: [Int: [SimulatedMessage]] = [:]
        for message in messages { byLane[lane(of: message.topic), default: []].append(message) }
        return await withTaskGroup(of: Result.self) { group in
            for messages in byLane.values {
                group.addTask {
                    var result = Result()
                    for message in messages {
                        do {
                            _ = try await client.publish(
                                topic: message.topic, payload: message.payload, qos: qos, retain: message.retain)
                            result.sent += 1
                        } catch {
                            result.failed += 1
                            result.error = error as? MQTTError
                        }
                    }
                    return result
                }
            }
            return await group.reduce(into: Result()) { total, part in
                total.sent += part.sent
                total.failed += part.failed
                total.error = total.error ?? part.error
            }
        }
    }

    private static func lane(of topic: String) -> Int {
        var hash: UInt32 = 2_166_136_261
        for byte in topic.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        return Int(hash % UInt32(lanes))
    }
}
