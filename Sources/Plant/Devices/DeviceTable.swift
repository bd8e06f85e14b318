/// All devices that this process has heard of, by number.
public struct DeviceTable: Sendable {
    /// What does not change about a device.
    public struct Device: Sendable, Hashable {
        public let path: TagPath
        /// `path` as it is spelt below `/devices`.
        public let znodePath: String
        public let shard: Int
        /// The name of the route that found it; nil when it is only known from the tree.
        public let route: String?
        /// How long it may be silent, by the shortest of its routes; nil: without limit.
        public let staleAfter: Milliseconds?
    }

    private var devices: ContiguousArray<Device> = []
    private var ids: [TagPath: DeviceID] = [:]
    // Side by side rather than in `Device`: the search for silent devices walks them.
    private var lastHeard: ContiguousArray<Milliseconds> = []
    private var silenceLimit: ContiguousArray<Milliseconds> = []
    private var states: ContiguousArray<DeviceState> = []
    private var since: ContiguousArray<Milliseconds> = []
    private let limit: Int

    public init(limit: Int = IngestLimits().devices) {
        self.limit = limit
    }

    public var count: Int { devices.count }

    /// Whether it takes no further device.
    public var isFull: Bool { devices.count >= limit }

    /// The device of that number, which must have come from this table.
    public subscript(id: DeviceID) -> Device { devices[id.index] }

    /// The device of that path, when it is known.
    public func id(of path: TagPath) -> DeviceID? { ids[path] }

    /// Every number handed out so far.
    public var all: some Sequence<DeviceID> & Sendable {
        (0..<UInt32(clamping: devices.count)).lazy.map { DeviceID(rawValue: $0) }
    }

    /// The number of a device, a new one when it is not known; nil when the table is full. A new device is stale until
    /// it is heard.
    public mutating func intern(
        _ path: TagPath, route: String? = nil, staleAfter: Milliseconds? = nil, at now: Milliseconds
    ) -> (id: DeviceID, isNew: Bool)? {
        if let id = ids[path] {
            // Known from the tree only until now: its route tells the rest.
            if devices[id.index].route == nil, let route {
                devices[id.index] = Device(
                    path: path, znodePath: devices[id.index].znodePath, shard: devices[id.index].shard, route: route,
                    staleAfter: staleAfter)
                silenceLimit[id.index] = staleAfter ?? .max
            } else if let staleAfter, staleAfter < silenceLimit[id.index] {
                // Of several routes the shortest, whichever was heard first.
                let known = devices[id.index]
                devices[id.index] = Device(
                    path: path, znodePath: known.znodePath, shard: known.shard, route: known.route,
                    staleAfter: staleAfter)
                silenceLimit[id.index] = staleAfter
            }
            return (id, false)
        }
        guard devices.count < limit, let number = UInt32(exactly: devices.count) else { return nil }
        let id = DeviceID(rawValue: number)
        devices.append(
            Device(
                path: path, znodePath: path.znodePath, shard: ShardMap.shard(of: path), route: route,
                staleAfter: staleAfter))
        ids[path] = id
        lastHeard.append(now)
        silenceLimit.append(staleAfter ?? .max)
        states.append(.stale)
        since.append(now)
        return (id, true)
    }

    /// The state of a device and since when.
    public func state(of id: DeviceID) -> (state: DeviceState, since: Milliseconds) {
        (states[id.index], since[id.index])
    }

    /// When a device was last heard live.
    public func lastHeard(_ id: DeviceID) -> Milliseconds { lastHeard[id.index] }

    /// Live data came from a device. Gives its new state when that changes it.
    @inline(__always)
    public mutating func heard(_ id: DeviceID, at now: Milliseconds) -> DeviceState? {
        lastHeard[id.index] = now
        if states[id.index] == .online { return nil }
        return change(id, to: .online, at: now)
    }

    /// A device said that it is there or gone, or the broker said it on its behalf. Gives its new state when that
    /// changes it.
    public mutating func presence(_ id: DeviceID, isOnline: Bool, at now: Milliseconds) -> DeviceState? {
        if isOnline { lastHeard[id.index] = now }
        return change(id, to: isOnline ? .online : .offline, at: now)
    }

    /// Takes over what the tree says about a device that this process has not heard itself. `now` counts as heard, so
    /// that a device gets its whole time to speak before it is called stale.
    public mutating func seed(_ id: DeviceID, state: DeviceState, since start: Milliseconds, at now: Milliseconds) {
        states[id.index] = state
        since[id.index] = start
        lastHeard[id.index] = max(lastHeard[id.index], now)
    }

    /// A device was removed from the tree: it is as if it had not been heard yet.
    mutating func forget(_ id: DeviceID) { states[id.index] = .stale }

    /// This process could not hear anybody for `time`, until now: it does not count as silence.
    public mutating func forgiveSilence(_ time: Milliseconds, at now: Milliseconds) {
        for index in lastHeard.indices {
            let (later, overflow) = lastHeard[index].addingReportingOverflow(max(time, 0))
            // Never into the future; nor back, should the clock have been set back.
            lastHeard[index] = max(lastHeard[index], overflow ? now : min(later, now))
        }
    }

    /// The clock by which devices are heard has been set.
    mutating func clockLeapt(by leap: Milliseconds) {
        for index in lastHeard.indices { lastHeard[index] = lastHeard[index].addingClamped(leap) }
    }

    /// Finds the devices that were online and have been silent for too long, calls them stale and appends them to
    /// `expired`. One pass over an array of numbers: tens of microseconds for the greatest table, so it may run several
    /// times a second.
    public mutating func expire(at now: Milliseconds, into expired: inout [DeviceID]) {
        for index in lastHeard.indices
        where states[index] == .online && Self.isSilent(lastHeard[index], silenceLimit[index], now) {
            states[index] = .stale
            since[index] = now
            expired.append(DeviceID(rawValue: UInt32(truncatingIfNeeded: index)))
        }
    }

    @inline(__always)
    private static func isSilent(_ last: Milliseconds, _ limit: Milliseconds, _ now: Milliseconds) -> Bool {
        // A clock that was set back gives a negative silence, which is none.
        let (silence, overflow) = now.subtractingReportingOverflow(last)
        return !overflow && silence > limit
    }

    @inline(never)
    private mutating func change(_ id: DeviceID, to state: DeviceState, at now: Milliseconds) -> DeviceState? {
        guard states[id.index] != state else { return nil }
        states[id.index] = state
        since[id.index] = now
        return state
    }
}
