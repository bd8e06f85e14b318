/// How a command is handed to the broker. Not QoS 2: a broker passes such a message on when it is released in a second step,
/// which no lease and no deadline would hold back.
public enum CommandQoS: Int, Sendable, Hashable, CaseIterable {
    /// Sent and forgotten: the broker says nothing, and never hands it over twice.
    case atMostOnce = 0
    /// Acknowledged by the broker, which may hand it over again when the device's connection breaks.
    case atLeastOnce = 1
}
