import SparkplugB

/// As which host application of Sparkplug B the plant's gateways appear to edge nodes: one of them at a time says that the host is
/// online.
public struct SparkplugHostDefinition: Sendable, Hashable {
    /// Longest id in bytes.
    public static let longestID = 256

    /// One level of a topic.
    public let hostID: String
    /// Whether edge nodes from before version 3.0 are told as well, on `STATE/<hostId>`.
    public let publishesOldState: Bool
    /// The name of the node, below ``TreeLayout/sparkplug``, that keeps the last timestamp.
    package let znodeName: String

    /// - Returns: nil when `hostID` is not one level of a topic without wildcards and control characters.
    public init?(hostID: String, publishesOldState: Bool = false) {
        guard hostID.utf8.count <= Self.longestID, SparkplugTopic.isID(hostID),
            hostID.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }),
            let path = try? TagPath(hostID)
        else { return nil }
        self.hostID = hostID
        self.publishesOldState = publishesOldState
        znodeName = path.znodePath
    }

    /// What counts for ``PlantDefinition/digest``; its form stays as it is.
    var meaning: String { "sparkplug \(hostID.debugDescription) \(publishesOldState)" }
}
