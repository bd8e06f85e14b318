/// What the broker publishes for us when our connection ends without a goodbye.
public struct MQTTWill: Sendable, Hashable {
    public var topic: String
    public var payload: [UInt8]
    public var qos: MQTTQoS
    public var retain: Bool
    /// MQTT 5 only; left out on 3.1.1.
    public var properties: MQTTProperties
    /// How long the broker waits before it publishes (MQTT 5). Zero: a death is announced at once.
    public var delay: Duration

    public init(
        topic: String, payload: [UInt8], qos: MQTTQoS = .atLeastOnce, retain: Bool = false,
        properties: MQTTProperties = MQTTProperties(), delay: Duration = .zero
    ) {
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.retain = retain
        self.properties = properties
        self.delay = delay
    }
}
