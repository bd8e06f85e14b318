/// What a host's STATE asks its connection to do, in this order.
public enum HostEffect: Hashable, Sendable {
    /// Keeps the largest timestamp that was used where every gateway finds it. What follows waits until it is kept; only a goodbye is
    /// said without it when that takes too long.
    case keepTimestamp(Int64)
    /// Connects with this will, in a clean session: version 3.1.1 with clean session, version 5 with clean start and session expiry
    /// 0. Over a connection that stands, disconnects cleanly first, so that its will is not sent.
    case connect(will: HostMessage)
    /// Subscribes to the own topic with QoS 1, and waits for the answer. What edge nodes say (`spBv1.0/#`) is not heard here but
    /// on the connection that reads it, with QoS 1 as well, so that deaths keep theirs: the session of a host application
    /// may consist of several connections, and this one carries the will.
    case subscribe(String)
    case publish(HostMessage)
    /// Disconnects cleanly: the will is not sent.
    case disconnect
}

/// A message about the host itself. All have QoS 1 and are retained.
public struct HostMessage: Hashable, Sendable {
    public let topic: String
    public let payload: [UInt8]

    public init(topic: String, payload: [UInt8]) {
        self.topic = topic
        self.payload = payload
    }

    public static let isRetained = true
}
