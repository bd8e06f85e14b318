/// How sure a delivery is.
public enum MQTTQoS: UInt8, Sendable, Hashable, Comparable {
    /// Sent and forgotten.
    case atMostOnce = 0
    /// Acknowledged, and repeated when the acknowledgement is lost.
    case atLeastOnce = 1
    /// Acknowledged in two steps. Receiving at this level with libmosquitto is *less* safe than at level 1: what it has
    /// confirmed in the first step lies in memory only.
    case exactlyOnce = 2

    public static func < (left: MQTTQoS, right: MQTTQoS) -> Bool { left.rawValue < right.rawValue }
}
