/// Everything that has arrived since the batch before: the bytes of all topics and payloads in one piece, and a table of
/// where each begins.
///
/// One message costs no allocation. Topics and payloads are bytes: nothing is said about them being text.
public struct MQTTMessageBatch: Sendable {
    /// One message's place in ``MQTTMessageBatch/storage``.
    public struct Entry: Sendable, Hashable {
        @usableFromInline let start: UInt32
        @usableFromInline let payloadLength: UInt32
        @usableFromInline let topicLength: UInt16
        /// -1: none. Only MQTT 5 messages that carry some have properties.
        @usableFromInline let propertiesIndex: Int32
        /// The level at which it was delivered to us.
        public let qos: MQTTQoS
        /// Whether the broker had stored it: it may be old.
        public let retain: Bool
        /// When it was read from the connection: milliseconds since 1970 UTC.
        public let receivedAtMs: Int64

        /// Where the topic lies in the batch's storage.
        @inlinable public var topicRange: Range<Int> { Int(start)..<Int(start) &+ Int(topicLength) }
        /// Where the payload lies in the batch's storage.
        @inlinable public var payloadRange: Range<Int> {
            let begin = Int(start) &+ Int(topicLength)
            return begin..<begin &+ Int(payloadLength)
        }
    }

    /// Numbers rise from batch to batch, not always by one. What ``MQTTClient/acknowledge(through:)`` takes.
    public let number: UInt64
    public let storage: [UInt8]
    public let entries: ContiguousArray<Entry>
    @usableFromInline let properties: [MQTTProperties]

    @inlinable public func topic(_ entry: Entry) -> ArraySlice<UInt8> { storage[entry.topicRange] }
    @inlinable public func payload(_ entry: Entry) -> ArraySlice<UInt8> { storage[entry.payloadRange] }

    /// What travelled with the message; nil when nothing did.
    @inlinable public func properties(_ entry: Entry) -> MQTTProperties? {
        properties.indices.contains(Int(entry.propertiesIndex)) ? properties[Int(entry.propertiesIndex)] : nil
    }
}
