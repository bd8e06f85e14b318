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

    /// Throws half of what is there away, and returns of which topics.
    ///
    /// The topics that fill the inbox lose, and of each the oldest messages: in a stream of values the newest is worth most.
    /// A device that floods thus takes nothing from its neighbours: topics that differ in their last level only, as those of
    /// one device do, first share as one. Half, so that the bytes are moved once for many messages.
    ///
    /// - Parameter byBytes: Whether it is bytes that are divided, and not the number of messages.
    mutating func shedHalf(byBytes: Bool) -> ShedTopics {
        var plan = SheddingPlan(byBytes: byBytes)
        storage.withUnsafeBytes { bytes in
            for entry in entries {
                plan.add(
                    topic: UnsafeRawBufferPointer(rebasing: bytes[entry.topicRange]),
                    payloadLength: Int(entry.payloadLength))
            }
        }
        let keeps = plan.keeps()
        var shed = ShedTopics()
        for (first, count) in plan.lost(keeps) { shed.add(storage[entries[first].topicRange], UInt64(count)) }
        guard shed.total > 0 else { return shed }
        var kept = BatchBuilder(reservingMessages: entries.count, bytes: storage.count)
        kept.number = number
        for (index, entry) in entries.enumerated() where keeps[index] {
            var propertiesIndex: Int32 = -1
            if self.properties.indices.contains(Int(entry.propertiesIndex)) {
                propertiesIndex = Int32(clamping: kept.properties.count)
                kept.properties.append(self.properties[Int(entry.propertiesIndex)])
            }
            let start = UInt32(truncatingIfNeeded: kept.storage.count)
            kept.storage.append(contentsOf: storage[entry.topicRange.lowerBound..<entry.payloadRange.upperBound])
            kept.entries.append(
                MQTTMessageBatch.Entry(
                    start: start, payloadLength: entry.payloadLength, topicLength: entry.topicLength,
                    propertiesIndex: propertiesIndex, qos: entry.qos, retain: entry.retain,
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
