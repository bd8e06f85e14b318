// What nothing defines any more, and what operators may have removed.
extension LivePlant {
    // MARK: Orphans

    /// Whether the configuration, or Linekeeper itself, makes such a tag.
    public func defines(tag: TagPath) -> Bool {
        GatewayFault.isOwn(tag) ? GatewayFault.parts(of: tag) != nil : ingest.makes(tag)
    }

    /// Whether the configuration, or Linekeeper itself, makes such a device.
    public func defines(device: TagPath) -> Bool {
        GatewayFault.isOwn(device) || ingest.makes(device: device)
    }

    /// Whether the configuration, or Linekeeper itself, defines this alarm, and makes its tag.
    public func defines(alarm: AlarmPath) -> Bool {
        alarms.definition(of: alarm) != nil && defines(tag: alarm.tag)
    }

    // MARK: What may be removed

    /// Why something is not removed.
    ///
    /// | what | may be removed |
    /// | --- | --- |
    /// | an alarm that nothing defines | always |
    /// | an alarm | when its tag is not known: with the tag, or after it |
    /// | a tag that no route makes | always |
    /// | a tag | while its device is not there, or while it is stale |
    /// | a device that no route makes | always |
    /// | a device | while it is not there; one that flaps may be there and not count as online |
    /// | a gateway, as a device | while it does not run |
    /// | a tag of a gateway | with the gateway only |
    public enum ForgettingRefusal: Error, Sendable, Hashable, CustomStringConvertible {
        case unknown
        /// The device of the tag, or the device itself, is online.
        case online(device: TagPath)
        /// The same, of a device that flaps and so does not count as online.
        case flapping(device: TagPath)
        /// The gateway that the tag or device stands for runs.
        case running(gateway: String)
        /// A tag of a gateway goes with the gateway.
        case ofGateway(device: TagPath)
        /// The alarm is defined, and its tag is known.
        case watched
        /// It was to go only if nothing defines it.
        case defined
        /// More than one transaction takes.
        case tooMuch

        public var description: String {
            switch self {
            case .unknown: "there is none of that name"
            case .online(let device): "its device \(device) is online and would bring it back at once"
            case .flapping(let device): "its device \(device) flaps, is there now and would bring it back at once"
            case .running(let gateway): "gateway \(gateway) is running"
            case .ofGateway(let device): "it goes with its gateway: forget the device \(device)"
            case .watched: "it is defined, and its tag is known: forget the tag or its device, which takes it along"
            case .defined: "the configuration of the active alarm processor defines it"
            case .tooMuch: "it has more tags and alarms than one transaction takes: forget some of its tags first"
            }
        }
    }

    /// Throws when an alarm has to stay.
    public func mayForget(alarm: AlarmPath) throws(ForgettingRefusal) {
        guard defines(alarm: alarm), let tag = ingest.tags.id(of: alarm.tag), latest.entry(tag) != nil else { return }
        throw .watched
    }

    /// Throws when a tag has to stay.
    public func mayForget(tag path: TagPath) throws(ForgettingRefusal) {
        if let own = GatewayFault.parts(of: path) { throw .ofGateway(device: own.device) }
        guard let tag = ingest.tags.id(of: path), isAlive(tag) else { return }
        throw isThere(ingest.tags[tag].device)
    }

    /// The tags of a device that this gateway knows of and that go with it.
    ///
    /// - Throws: why the device has to stay.
    public func tagsToForget(withDevice path: TagPath) throws(ForgettingRefusal) -> [TagPath] {
        if let gateway = runningGateway(path) { throw .running(gateway: gateway) }
        guard let device = ingest.devices.id(of: path) else { return [] }
        if defines(device: path), ingest.devices.isThere(device) { throw isThere(device) }
        return ingest.tags.tags(of: device).filter { latest.entry($0) != nil || nodeExists[$0.index] }
            .map { ingest.tags[$0].path }
    }

    /// The refusal because of a device that is there.
    private func isThere(_ device: DeviceID) -> ForgettingRefusal {
        let path = ingest.devices[device].path
        return ingest.devices.flappingSince(device) == nil ? .online(device: path) : .flapping(device: path)
    }

    /// Whether a tag has a value that its device stands behind.
    private func isAlive(_ tag: TagID) -> Bool {
        guard let entry = latest.entry(tag), entry.quality != .stale else { return false }
        return ingest.devices.isThere(ingest.tags[tag].device)
    }

    /// The gateway that a device stands for, if it runs.
    private func runningGateway(_ device: TagPath) -> String? {
        ownTags.first { $0.value.device == device && $0.value.missingSince == nil }?.key
    }

    /// Whether alarms of these tags, some excepted, have something that is not in the journal yet.
    public func hasUnrecorded(at tags: some Sequence<TagPath>, except excluded: Set<AlarmPath>) -> Bool {
        tags.contains { path in
            ingest.tags.id(of: path).map { alarms.hasUnrecorded(at: $0, except: excluded) } ?? false
        }
    }

    // MARK: Removing

    /// Something was removed, here or by another gateway. What is heard of it from now on is heard for the first time.
    ///
    /// The message may have come first: only what was silent is removed, so what is alive here has been heard since. It
    /// is kept and written again.
    public mutating func forget(_ forgotten: Forgotten, at now: Milliseconds) {
        switch forgotten {
        case .alarm(let record):
            guard alarms.forget(record), let tag = ingest.tags.id(of: record.path.tag), latest.entry(tag) != nil else {
                return
            }
            // What its tag has shown since, it is to show again; the delays of the tag's other alarms keep running.
            let own = record.path.alarm
            let delays = (unseen[tag]?.delays ?? [:]).filter { $0.key != own && !$0.key.hasPrefix(own + "/") }
            lookLater(at: tag, since: now, delays: delays)
        case .tag(let path):
            if let tag = ingest.tags.id(of: path) { forget(tag) }
        case .device(let path):
            guard let device = ingest.devices.id(of: path), runningGateway(path) == nil else { return }
            for tag in ingest.tags.tags(of: device) { forget(tag) }
            routesInTree[device] = nil
            // One that no route has made is online only as the tree had it.
            if ingest.devices[device].route != nil, ingest.devices.isThere(device) {
                firstSeen[device] = now
                changedDevices.insert(device)
            } else {
                firstSeen[device] = nil
                changedDevices.remove(device)
                ingest.forget(device)
            }
            for (gateway, own) in ownTags where own.device == path { ownTags[gateway] = nil }
        }
    }

    private mutating func forget(_ tag: TagID) {
        nodeExists[tag.index] = false
        if isAlive(tag) { return latest.markDirty(tag) }
        latest.forget(tag)
        unseen[tag] = nil
        isHeardWithoutTime[tag.index] = false
    }
}
