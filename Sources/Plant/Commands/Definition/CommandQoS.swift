/// How a command is handed to the broker.
public enum CommandQoS: Int, Sendable, Hashable, CaseIterable {
    /// Sent and forgotten: the broker says nothing, and never hands it over twice.
    case atMostOnce = 0
    /// Acknowledged by the broker, which may hand it over again when the device's connection breaks.
    case atLeastOnce = 1
    /// Acknowledged in two steps, and handed over once.
    case exactlyOnce = 2
}
