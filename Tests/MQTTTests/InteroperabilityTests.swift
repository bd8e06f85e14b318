import MQTT
import TestFixtures
import Testing

@Suite("With mosquitto's own programs")
struct InteroperabilityTests {
    @Test("mosquitto_pub is heard with its properties")
    func hears() async throws {
        let broker = try await Mosquitto()
        try await withClient(.init(broker, "ear"), subscriptions: [MQTTSubscription(filter: "from/#")]) { running in
            try await run(
                "mosquitto_pub",
                [
                    "-V", "mqttv5", "-p", "\(broker.port)", "-t", "from/shell", "-m", "hello", "-q", "1", "-D",
                    "publish",
                    "response-topic", "back/here", "-D", "publish", "correlation-data", "c0ffee", "-D", "publish",
                    "user-property", "who", "operator", "-D", "publish", "content-type", "text/plain", "-D", "publish",
                    "message-expiry-interval", "60",
                ], broker)
            let message = try await running.message { $0.topic == "from/shell" }
            #expect(message.text == "hello")
            #expect(message.properties?.responseTopic == "back/here")
            #expect(message.properties?.correlationData == Array("c0ffee".utf8))
            #expect(message.properties?.userProperty("who") == "operator")
            #expect(message.properties?.contentType == "text/plain")
            // An empty, retained message deletes one that was retained; it arrives as any other.
            try await run("mosquitto_pub", ["-p", "\(broker.port)", "-t", "from/nothing", "-n", "-r"], broker)
            #expect(try await running.message { $0.topic == "from/nothing" }.payload.isEmpty)
        }
    }

    @Test("mosquitto_sub hears what we publish, with its properties")
    func isHeard() async throws {
        let broker = try await Mosquitto()
        let subscriber = try ChildProcess(
            "mosquitto_sub",
            [
                "-V", "mqttv5", "-p", "\(broker.port)", "-t", "to/#", "-q", "2", "-C", "2", "-F",
                "%t|%p|q%q|r%r|%R|%D|%C|%P",
            ], logPath: "\(broker.folder)/sub.log", install: Mosquitto.install)
        try await eventually("the subscription", seen: { broker.log }) { broker.log.contains("to/# (QoS 2)") }
        try await withClient(.init(broker, "mouth")) { running in
            try await running.client.publish(
                topic: "to/shell", payload: Array("grüße".utf8), qos: .exactlyOnce,
                properties: MQTTProperties(
                    responseTopic: "back", correlationData: Array("7".utf8), contentType: "text/plain",
                    userProperties: [.init("a", "b")]))
            try await running.client.publish(topic: "to/all", payload: [], qos: .atMostOnce)
        }
        try await eventually("mosquitto_sub's end", seen: { subscriber.log }) { !subscriber.isRunning }
        // The one of level 2 takes two steps more, and may come second.
        let lines = subscriber.log.split(separator: "\n").sorted()
        #expect(lines == ["to/all||q0|r0||||", "to/shell|grüße|q2|r0|back|7|text/plain|a:b"])
    }

    private func run(_ program: String, _ arguments: [String], _ broker: Mosquitto) async throws {
        let child = try ChildProcess(
            program, arguments, logPath: "\(broker.folder)/\(program).log", install: Mosquitto.install)
        try await eventually("the end of \(program)", seen: { child.log }) { !child.isRunning }
        #expect(child.exitStatus == 0, "\(child.log)")
    }
}
