/// A batch that is being filled. Used by the connection's thread only, and by nobody else while it has it.
struct BatchBuilder: Sendable {
    private(set) var storage: [UInt8] = []
    private(set) var entries = ContiguousArray<MQTTMessageBatch.Entry>()
    private(set) var properties: [MQTTProperties] = []
    /// The number of the last burst that is in it.
    var number: UInt64 = 0
    /// Whether the broker waits for an acknowledgement of some message in it.
    private(set) var needsAcknowledgement = false

    var count: Int { entries.count }
    var byteCount: Int { storage.count }
    var isEmpty: Bool { entries.isEmpty }

    init(reservingMessages messages: Int, bytes: Int) {
        entries.reserveCapacity(messages)
        storage.reserveCapacity(bytes)
    }

    /// Appends a message. False, and nothing is done, when it would not fit the 32-bit table.
    mutating func append(
        topic: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer, qos: MQTTQoS, retain: Bool,
        properties: MQTTProperties?, receivedAtMs: Int64
    ) -> Bool {
        guard let start = UInt32(exactly: storage.count), let payloadLength = UInt32(exactly: payload.count),
            let topicLength = UInt16(exactly: topic.count)
        else { return false }
        var propertiesIndex: Int32 = -1
        if let properties {
            propertiesIndex = Int32(clamping: self.properties.count)
            self.properties.append(properties)
        }
        storage.append(contentsOf: topic)
        storage.append(contentsOf: payload)
        entries.append(
            MQTTMessageBatch.Entry(
                start: start, payloadLength: payloadLength, topicLength: topicLength, propertiesIndex: propertiesIndex,
                qos: qos, retain: retain, receivedAtMs: receivedAtMs))
        if qos != .atMostOnce { needsAcknowledgement = true }
        return true
    }

    /// Throws the older half of the messages away; returns how many.
    ///
    /// The older half, because in a stream of values the newest is worth most, and half, so that the bytes are moved once
    /// for many messages.
    mutating func shedOlderHalf() -> Int {
        let shed = (entries.count + 1) / 2
        guard shed > 0 else { return 0 }
        let firstKept = shed < entries.count ? entries[shed].topicRange.lowerBound : storage.count
        var kept = BatchBuilder(reservingMessages: entries.count, bytes: storage.count)
        kept.number = number
        kept.storage.append(contentsOf: storage[firstKept...])
        for entry in entries[shed...] {
            var index: Int32 = -1
            if self.properties.indices.contains(Int(entry.propertiesIndex)) {
                index = Int32(clamping: kept.properties.count)
                kept.properties.append(self.properties[Int(entry.propertiesIndex)])
            }
            kept.entries.append(
                MQTTMessageBatch.Entry(
                    start: entry.start &- UInt32(truncatingIfNeeded: firstKept), payloadLength: entry.payloadLength,
                    topicLength: entry.topicLength, propertiesIndex: index, qos: entry.qos, retain: entry.retain,
                    receivedAtMs: entry.receivedAtMs))
        }
        // What was shed counts as delivered: its acknowledgement leaves with the rest.
        kept.needsAcknowledgement = needsAcknowledgement
        self = kept
        return shed
    }

    consuming func finish() -> MQTTMessageBatch {
        MQTTMessageBatch(number: number, storage: storage, entries: entries, properties: properties)
    }
}
