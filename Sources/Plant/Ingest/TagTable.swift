/// All tags that this process knows, by number.
public struct TagTable: Sendable {
    /// What does not change about a tag.
    public struct Tag: Sendable, Hashable {
        public let path: TagPath
        /// `path` as it is spelt below `/tags`.
        public let znodePath: String
        public let device: DeviceID
        /// The shard of its device.
        public let shard: Int
        public let unit: String?
        /// Smaller changes are not written; nil writes every sample.
        public let deadband: Double?
        /// Within a deadband a value is written again after this time, so that the tree shows that the sensor lives;
        /// nil never.
        public let refreshAfter: Milliseconds?
    }

    private var tags: ContiguousArray<Tag> = []
    private var ids: [TagPath: TagID] = [:]
    /// The tags of a device as a chain: its last tag, and for each tag the one before and the one behind.
    private var lastOfDevice: [DeviceID: TagID] = [:]
    private var previousOfDevice: ContiguousArray<TagID?> = []
    private var nextOfDevice: ContiguousArray<TagID?> = []
    private let limit: Int

    public init(limit: Int = IngestLimits().tags) {
        self.limit = limit
    }

    public var count: Int { tags.count }

    /// Whether it takes no further tag.
    public var isFull: Bool { tags.count >= limit }

    /// The tag of that number, which must have come from this table.
    public subscript(id: TagID) -> Tag { tags[id.index] }

    /// The tag of that path, when it is known.
    public func id(of path: TagPath) -> TagID? { ids[path] }

    /// Every number handed out so far.
    public var all: some Sequence<TagID> & Sendable {
        (0..<UInt32(clamping: tags.count)).lazy.map { TagID(rawValue: $0) }
    }

    /// The tags of a device, the newest first.
    public func tags(of device: DeviceID) -> [TagID] {
        var result: [TagID] = []
        var next = lastOfDevice[device]
        while let tag = next {
            result.append(tag)
            next = previousOfDevice[tag.index]
        }
        return result
    }

    /// The number of a tag, a new one when it is not known; nil when the table is full. A known tag keeps what it was
    /// made with.
    public mutating func intern(
        _ path: TagPath, device: DeviceID, shard: Int, unit: String? = nil, deadband: Double? = nil,
        refreshAfter: Milliseconds? = nil
    ) -> TagID? {
        if let id = ids[path] { return id }
        guard tags.count < limit, let number = UInt32(exactly: tags.count) else { return nil }
        let id = TagID(rawValue: number)
        tags.append(
            Tag(
                path: path, znodePath: path.znodePath, device: device, shard: shard, unit: unit, deadband: deadband,
                refreshAfter: refreshAfter))
        ids[path] = id
        previousOfDevice.append(nil)
        nextOfDevice.append(nil)
        append(id, to: device)
        return id
    }

    /// A tag belongs to another device than had been thought, or to another route, and has what that route says.
    mutating func rehome(
        _ id: TagID, device: DeviceID, shard: Int, unit: String?, deadband: Double?, refreshAfter: Milliseconds?
    ) {
        let tag = tags[id.index]
        remove(id, from: tag.device)
        append(id, to: device)
        tags[id.index] = Tag(
            path: tag.path, znodePath: tag.znodePath, device: device, shard: shard, unit: unit, deadband: deadband,
            refreshAfter: refreshAfter)
    }

    private mutating func append(_ id: TagID, to device: DeviceID) {
        let last = lastOfDevice.updateValue(id, forKey: device)
        previousOfDevice[id.index] = last
        if let last { nextOfDevice[last.index] = id }
    }

    private mutating func remove(_ id: TagID, from device: DeviceID) {
        let (previous, next) = (previousOfDevice[id.index], nextOfDevice[id.index])
        if let previous { nextOfDevice[previous.index] = next }
        if let next {
            previousOfDevice[next.index] = previous
        } else {
            lastOfDevice[device] = previous
        }
        previousOfDevice[id.index] = nil
        nextOfDevice[id.index] = nil
    }
}
