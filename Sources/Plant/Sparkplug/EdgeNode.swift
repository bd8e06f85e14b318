import SparkplugB

/// One edge node, and what its devices and metrics are here.
struct EdgeNode: Sendable {
    /// What a device of the session is here.
    enum Device: Sendable {
        case unknown
        /// Its topic, and how many tags the place of that has room for.
        case bound(topic: Int, capacity: Int)
        /// A table is full, or its name makes no device; its next birth tries it again.
        case refused
    }

    /// What a tag of the session is here.
    enum Tag: Sendable {
        case unknown
        case bound(BoundTag, topic: Int)
        /// A table is full, its name makes no tag, or another device has the tag; its next birth tries it again.
        case refused
    }

    let route: Int
    let group: String
    let edge: String
    /// The device that the edge node itself is.
    let path: TagPath
    var session: EdgeNodeSession
    /// By the session's numbers.
    var devices: ContiguousArray<Device> = []
    var tags: ContiguousArray<Tag> = []
    /// Tags that metrics of the edge node itself would have, if a device below it did not.
    var yielded: [TagID: SparkplugTagID] = [:]
    /// Whether a device has ever had a tag that a metric of the edge node itself would have, too.
    var isContested = false
    /// Whether it stands in the line of those that are to be asked for a birth.
    var isInLine = false
    /// What its session took when it was last looked at, in bytes, and what it had counted then.
    var footprint = 0
    var counted = EdgeNodeTotals()
    /// The earliest moment at which it stands among those that may be due; `.max`: it does not.
    var queuedDeadline: Milliseconds = .max

    init(route: Int, group: String, edge: String, path: TagPath, session: EdgeNodeSession) {
        self.route = route
        self.group = group
        self.edge = edge
        self.path = path
        self.session = session
    }

    /// What a device of the session is called here.
    func path(of device: SparkplugDeviceID) throws(TagPath.Refusal) -> TagPath {
        device == .node ? path : try path.appending(session.device(device).name)
    }

    /// Gives every device and tag of the session a place.
    mutating func makePlaces() {
        while devices.count < session.deviceCount { devices.append(.unknown) }
        while tags.count < session.tagCount { tags.append(.unknown) }
    }
}
