/// The protocol that is spoken with the broker.
public enum MQTTProtocolVersion: Sendable, Hashable {
    /// MQTT 3.1.1: no properties, no reason codes; the broker lets only a few messages stand unacknowledged.
    case v311
    /// MQTT 5.
    case v5
}
