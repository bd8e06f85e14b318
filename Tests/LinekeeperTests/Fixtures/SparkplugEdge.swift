import Foundation
import SparkplugB
import TestFixtures
import Testing

/// The edge node `hall/pc` of Sparkplug B with the device `press`: it counts its messages, and does what it is told.
actor SparkplugEdge {
    private let link: BrokerLink
    private var sequence: UInt64 = 0
    private var session: UInt64 = 0
    /// What it was told, in the order in which it came.
    private(set) var orders: [(topic: String, payload: SparkplugPayload)] = []
    /// Whether it does what it is told.
    private var isObedient = true

    private init(_ link: BrokerLink) { self.link = link }

    static func start(_ stage: Stage, _ broker: Mosquitto) async throws -> SparkplugEdge {
        let edge = SparkplugEdge(try await stage.link(broker, "edge"))
        let listener = try await BrokerLink(
            port: broker.port, clientID: "edge-orders",
            subscriptions: ["spBv1.0/hall/NCMD/pc", "spBv1.0/hall/DCMD/pc/+"]
        ) { message in
            // A loose task: what the end of the test overtakes is of no interest.
            Task { try await edge.take(message) }
        }
        stage.onEnd { await listener.close() }
        return edge
    }

    func obeys(_ isObedient: Bool) { self.isObedient = isObedient }

    func birth() async throws {
        session += 1
        sequence = 0
        try await publish(
            .nodeBirth,
            [
                number, SparkplugMetric(name: "Node Control/Rebirth", type: .boolean, value: .bool(false)),
                SparkplugMetric(name: "Node Control/Scan Rate", alias: 1, type: .int16, value: .int(500)),
                SparkplugMetric(name: "Node Control/Reboot", alias: 2, type: .boolean, value: .bool(false)),
            ])
        try await publish(
            .deviceBirth, [SparkplugMetric(name: "Outputs/Speed", alias: 3, type: .float, value: .float(0))])
    }

    func death() async throws { try await publish(.nodeDeath, [number]) }

    /// What was written to a metric, in order.
    func written(_ metric: String) -> [SparkplugValue] {
        orders.flatMap(\.payload.metrics).filter { $0.name == metric }.compactMap(\.value)
    }

    private var number: SparkplugMetric {
        SparkplugMetric(name: "bdSeq", type: .int64, value: .long(session))
    }

    private func take(_ message: BrokerLink.Message) async throws {
        let payload = try SparkplugPayload(message.payload.span)
        orders.append((message.topic, payload))
        guard isObedient else { return }
        for metric in payload.metrics {
            switch metric.name {
            case "Node Control/Scan Rate":
                try await publish(.nodeData, [SparkplugMetric(alias: 1, value: metric.value)])
            case "Outputs/Speed": try await publish(.deviceData, [SparkplugMetric(alias: 3, value: metric.value)])
            default: break
            }
        }
    }

    private func publish(_ type: SparkplugMessageType, _ metrics: [SparkplugMetric]) async throws {
        var payload = SparkplugPayload(timestamp: UInt64(Date().timeIntervalSince1970 * 1000), metrics: metrics)
        if type.hasSequence {
            payload.sequence = sequence
            sequence = (sequence + 1) % 256
        }
        let topic = EdgeTopic.text(type, group: "hall", edge: "pc", device: type.hasDevice ? "press" : nil)
        try await link.publish(try #require(topic), payload.encoded)
    }
}
