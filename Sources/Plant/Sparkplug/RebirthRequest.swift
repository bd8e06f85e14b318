public import SparkplugB

/// An edge node that is to be asked for a birth.
public struct RebirthRequest: Sendable, Hashable {
    public let group: String
    public let edge: String
    public let reason: RebirthReason
    /// Of the edge node, in ``EdgeNodes``.
    let number: Int

    /// Where the request is published: with QoS 0, and not retained.
    public var topic: String { EdgeTopic.text(.nodeCommand, group: group, edge: edge) ?? "" }

    /// - Parameter now: when it is published.
    public func payload(at now: Milliseconds) -> [UInt8] { SparkplugCommand.rebirth(at: now) }
}
