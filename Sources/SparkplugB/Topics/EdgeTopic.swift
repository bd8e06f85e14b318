/// The topic of a message from or for an edge node. The ids are where they lie in the topic.
public struct EdgeTopic: Hashable, Sendable {
    public let type: SparkplugMessageType
    public let group: Range<Int>
    public let edge: Range<Int>
    /// nil exactly when the type has no device.
    public let device: Range<Int>?

    /// The ids as text.
    ///
    /// - Parameter topic: what this was read from.
    public func ids(in topic: [UInt8]) -> (group: String, edge: String, device: String?) {
        func text(_ range: Range<Int>) -> String { String(decoding: topic[range], as: UTF8.self) }
        return (text(group), text(edge), device.map(text))
    }

    /// The topic of these ids; nil when one of them is no id, or when the type and the device do not go together.
    public static func text(
        _ type: SparkplugMessageType, group: String, edge: String, device: String? = nil
    ) -> String? {
        guard SparkplugTopic.isID(group), SparkplugTopic.isID(edge), type.hasDevice == (device != nil) else {
            return nil
        }
        let start = "\(SparkplugTopic.namespace)/\(group)/\(type.name)/\(edge)"
        guard let device else { return start }
        return SparkplugTopic.isID(device) ? "\(start)/\(device)" : nil
    }
}
