/// All devices that this process has heard of, by number.
public struct DeviceTable: Sendable {
    /// What messages and time do not change about a device.
    public struct Device: Sendable, Hashable {
        public let path: TagPath
        /// `path` as it is spelt below `/devices`.
        public let znodePath: String
        public let shard: Int
        /// The name of the route that found it; nil when it is only known from the tree.
        public fileprivate(set) var route: String?
        /// How long it may be silent, by its routes.
        public fileprivate(set) var rules: DeviceRules
    }

    private var devices: ContiguousArray<Device> = []
    private var ids: [TagPath: DeviceID] = [:]
    // Side by side rather than in `Device`: the search for silent devices walks them.
    private var lastHeard: ContiguousArray<Milliseconds> = []
    /// The silence that changes its state; `.max`: none does.
    private var silenceLimit: ContiguousArray<Milliseconds> = []
    /// Whether they are there, whatever those that flap count as.
    private var states: ContiguousArray<DeviceState> = []
    private var since: ContiguousArray<Milliseconds> = []
    /// Whether silence says anything about it: it has been heard of, or the tree has it.
    private var isWatched: ContiguousArray<Bool> = []
    private var flapping = DeviceFlapping()
    /// Since when this process has heard the broker without a break.
    private var hearsSince: Milliseconds = .min
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
        _ path: TagPath, route: String? = nil, rules: DeviceRules = DeviceRules(), at now: Milliseconds
    ) -> (id: DeviceID, isNew: Bool)? {
        if let id = ids[path] {
            // Known from the tree only until now: its route tells the rest.
            if devices[id.index].route == nil { devices[id.index].route = route }
            let joined = devices[id.index].rules.joined(with: rules)
            if joined != devices[id.index].rules {
                devices[id.index].rules = joined
                noteLimit(id.index)
            }
            return (id, false)
        }
        guard devices.count < limit, let number = UInt32(exactly: devices.count) else { return nil }
        let id = DeviceID(rawValue: number)
        devices.append(
            Device(
                path: path, znodePath: path.znodePath, shard: ShardMap.shard(of: path), route: route, rules: rules))
        ids[path] = id
        lastHeard.append(now)
        silenceLimit.append(.max)
        states.append(.stale)
        since.append(now)
        isWatched.append(false)
        return (id, true)
    }

    /// The state that a device counts as, and since when.
    public func state(of id: DeviceID) -> (state: DeviceState, since: Milliseconds) {
        if let episode = flapping[id] { return (episode.countsAs, episode.countsSince) }
        return (states[id.index], since[id.index])
    }

    /// Whether a device is there now, even if it flaps and so does not count as online.
    public func isThere(_ id: DeviceID) -> Bool { states[id.index] == .online }

    /// Since when a device flaps; nil: it does not.
    public func flappingSince(_ id: DeviceID) -> Milliseconds? { flapping[id]?.since }

    /// How often a device has begun to flap.
    var flappingsBegun: UInt64 { flapping.begun }

    /// Devices that have begun or ceased to flap since the last time.
    mutating func takeFlappingNews() -> [DeviceFlapping.News] { flapping.takeNews() }

    /// When a device was last heard live.
    public func lastHeard(_ id: DeviceID) -> Milliseconds { lastHeard[id.index] }

    /// Live data came from a device. Gives its new state when that changes it.
    @inline(__always)
    public mutating func heard(_ id: DeviceID, at now: Milliseconds) -> DeviceState? {
        lastHeard[id.index] = now
        if states[id.index] == .online { return nil }
        return change(id, to: .online, at: now) == nil ? nil : .online
    }

    /// A device said that it is there or gone, or the broker said it on its behalf. Gives what that changes.
    ///
    /// - Parameter isKept: Whether the broker had kept the word: it says what the device is, not that it has just gone. Each
    ///   new connection of this process hears it again, so it does not count as a loss of one that might flap.
    public mutating func presence(
        _ id: DeviceID, isOnline: Bool, isKept: Bool = false, at now: Milliseconds
    ) -> DeviceTurn? {
        if isOnline { lastHeard[id.index] = now }
        return change(id, to: isOnline ? .online : .offline, countsLoss: !isKept, at: now)
    }

    /// A device has not answered although it was asked. Gives what that changes.
    mutating func unanswered(_ id: DeviceID, at now: Milliseconds) -> DeviceTurn? { change(id, to: .stale, at: now) }

    /// A device has become known without having been heard live: what it has promised counts from now.
    mutating func watch(_ id: DeviceID, at now: Milliseconds) {
        lastHeard[id.index] = now
        isWatched[id.index] = true
        noteLimit(id.index)
    }

    /// Takes over what the tree says about a device that this process has not heard itself. `now` counts as heard, so
    /// that a device gets its whole time to speak before it is called stale.
    public mutating func seed(
        _ id: DeviceID, state: DeviceState, since start: Milliseconds, flappingSince: Milliseconds? = nil,
        at now: Milliseconds
    ) {
        states[id.index] = state
        since[id.index] = start
        watch(id, at: max(lastHeard[id.index], now))
        guard let flappingSince, state != .online, let rule = devices[id.index].rules.flappingRule else { return }
        flapping.seed(id, since: flappingSince, as: state, stateSince: start, rule: rule, at: now)
    }

    /// A device was removed from the tree: it is as if it had not been heard yet.
    mutating func forget(_ id: DeviceID) {
        states[id.index] = .stale
        isWatched[id.index] = false
        flapping.forget(id)
        noteLimit(id.index)
    }

    /// This process could not hear anybody for `time`, until now: it does not count as silence.
    public mutating func forgiveSilence(_ time: Milliseconds, at now: Milliseconds) {
        for index in lastHeard.indices {
            let (later, overflow) = lastHeard[index].addingReportingOverflow(max(time, 0))
            // Never into the future; nor back, should the clock have been set back.
            lastHeard[index] = max(lastHeard[index], overflow ? now : min(later, now))
        }
        if hearsSince != .min { hearsSince = max(hearsSince, min(hearsSince.addingClamped(max(time, 0)), now)) }
        flapping.forgive(time, at: now)
    }

    /// This process hears the broker again: nothing shows what devices did meanwhile.
    mutating func heardAgain(at now: Milliseconds) {
        hearsSince = now
        flapping.heardAgain(at: now)
    }

    /// The clock by which devices are heard has been set.
    mutating func clockLeapt(by leap: Milliseconds) {
        for index in lastHeard.indices { lastHeard[index] = lastHeard[index].addingClamped(leap) }
        if hearsSince != .min { hearsSince = hearsSince.addingClamped(leap) }
        flapping.clockLeapt(by: leap)
    }

    /// Finds the devices that have been silent for too long, calls them stale or offline, ends what flapping is over, and
    /// appends what that changes. One pass over an array of numbers: tens of microseconds for the greatest table, so it may
    /// run several times a second.
    ///
    /// A silence in which this process did not hear the broker may not be the device's, also when its end comes soon after the
    /// connection has: it does not count as a loss of one that might flap.
    ///
    /// - Parameter isDeaf: whether this process does not hear the broker: then no flapping ends, either.
    public mutating func expire(
        at now: Milliseconds, isDeaf: Bool = false, into turns: inout [(device: DeviceID, turn: DeviceTurn)]
    ) {
        for index in lastHeard.indices {
            // A clock that was set back gives a negative silence, which is none.
            let (silence, overflow) = now.subtractingReportingOverflow(lastHeard[index])
            guard !overflow, silence > silenceLimit[index] else { continue }
            let id = DeviceID(rawValue: UInt32(truncatingIfNeeded: index))
            let state = devices[index].rules.state(afterSilence: silence)
            let countsLoss = !isDeaf && lastHeard[index] >= hearsSince
            if let turn = change(id, to: state, countsLoss: countsLoss, at: now) { turns.append((id, turn)) }
        }
        guard !isDeaf else { return }
        for id in flapping.advance(to: now) { turns.append((id, .counts(as: states[id.index]))) }
    }

    @inline(never)
    private mutating func change(
        _ id: DeviceID, to state: DeviceState, countsLoss: Bool = true, at now: Milliseconds
    ) -> DeviceTurn? {
        let before = states[id.index]
        guard before != state else { return nil }
        states[id.index] = state
        since[id.index] = now
        isWatched[id.index] = true
        noteLimit(id.index)
        if state == .online { return flapping.returned(id, at: now) ? nil : .counts(as: .online) }
        if flapping[id] != nil {
            // It counts as away, whichever way it is.
            guard before == .online else { return nil }
            flapping.lostAgain(id, at: now)
            return .lostAgain
        }
        if before == .online, countsLoss, let rule = devices[id.index].rules.flappingRule {
            flapping.lost(id, as: state, rule: rule, at: now)
        }
        return .counts(as: state)
    }

    private mutating func noteLimit(_ index: Int) {
        silenceLimit[index] = isWatched[index] ? devices[index].rules.silenceLimit(in: states[index]) : .max
    }
}
