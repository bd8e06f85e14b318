import SparkplugB

// What a session has said, message by message and device by device.
extension EdgeNodes {
    /// Everything that was released has been taken.
    mutating func removeReleased() {
        releases.removeAll(keepingCapacity: true)
        samples.removeAll(keepingCapacity: true)
        staleTags.removeAll(keepingCapacity: true)
    }

    /// - Parameter device: one that only the tree knows, below the edge node whose topic it is; nil: the topic's.
    mutating func release(
        _ state: EdgeNodeState, of topic: Int, device: DeviceID? = nil, isNewDevice: Bool = false, at now: Milliseconds
    ) {
        append(to: topic, at: now)
        releases[releases.count - 1].device = device
        releases[releases.count - 1].state = state
        releases[releases.count - 1].isNewDevice = isNewDevice
    }

    /// - Parameters:
    ///   - sentAt: of the sample's message.
    ///   - isBirth: whether that is a birth.
    ///   - first: the first release of the message that is being read; those before it are not added to.
    mutating func release(
        _ sample: Sample, sentAt: Milliseconds?, isBirth: Bool, of topic: Int, from first: Int
    ) {
        let isFurther =
            releases.count > first && releases[releases.count - 1].topic == topic
            && releases[releases.count - 1].device == nil && releases[releases.count - 1].staleTags.isEmpty
            && releases[releases.count - 1].receivedAt == sample.receivedTime
            && (releases[releases.count - 1].sentAt == sentAt && releases[releases.count - 1].isBirth == isBirth
                || releases[releases.count - 1].samples.isEmpty)
        if !isFurther { append(to: topic, at: sample.receivedTime) }
        releases[releases.count - 1].sentAt = sentAt
        releases[releases.count - 1].isBirth = isBirth
        samples.append(sample)
        releases[releases.count - 1].samples = releases[releases.count - 1].samples.lowerBound..<samples.count
    }

    mutating func release(stale tag: TagID, of topic: Int, at now: Milliseconds, from first: Int) {
        let isFurther =
            releases.count > first && releases[releases.count - 1].topic == topic
            && releases[releases.count - 1].device == nil && releases[releases.count - 1].receivedAt == now
        if !isFurther { append(to: topic, at: now) }
        staleTags.append(tag)
        releases[releases.count - 1].staleTags = releases[releases.count - 1].staleTags.lowerBound..<staleTags.count
    }

    private mutating func append(to topic: Int, at now: Milliseconds) {
        releases.append(
            EdgeRelease(
                topic: topic, receivedAt: now, samples: samples.count..<samples.count,
                staleTags: staleTags.count..<staleTags.count))
    }
}
