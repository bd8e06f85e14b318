// What nothing defines any more, and what operators may have removed.
extension LivePlant {
    // MARK: Orphans

    /// Whether the configuration, or Linekeeper itself, makes such a tag.
    public func defines(tag: TagPath) -> Bool {
        GatewayFault.isOwn(tag) ? GatewayFault.parts(of: tag) != nil : ingest.makes(tag)
    }

    /// Whether a route of the configuration has made this device. A record that names no route is believed.
    public func defines(_ device: DeviceRecord) -> Bool {
        device.route.isEmpty || ingest.hasRoute(named: device.route)
    }

    /// Whether the configuration, or Linekeeper itself, defines this alarm, and makes its tag.
    public func defines(alarm: AlarmPath) -> Bool {
        alarms.definition(of: alarm) != nil && defines(tag: alarm.tag)
    }

    // MARK: What may be removed

    /// Why something is not removed.
    public enum ForgettingRefusal: Error, Sendable, Hashable, CustomStringConvertible {
        case unknown
        /// The device of the tag, or the device itself, is online.
        case online(device: TagPath)
        /// The gateway that the tag or device stands for runs.
        case running(gateway: String)
        /// A tag of a gateway goes with the gateway.
        case ofGateway(device: TagPath)
        /// The alarm is defined and stands, and so does its tag.
        case watched(AlarmState)
        /// It was to go only if nothing defines it.
        case defined
        /// More than one transaction takes.
        case tooMuch

        public var description: String {
            switch self {
            case .unknown: "there is none of that name"
            case .online(let device): "its device \(device) is online and would bring it back at once"
            case .running(let gateway): "gateway \(gateway) is running"
            case .ofGateway(let device): "it goes with its gateway: forget the device \(device)"
            case .watched(let state):
                "it is in state \(state), and its tag is watched: acknowledge it, or forget the tag or its device first"
            case .defined: "the configuration of the active alarm processor defines it"
            case .tooMuch: "it has more tags and alarms than one transaction takes: forget some of its tags first"
            }
        }
    }

    /// The tags, and the device if it is one, whose memory and nodes go with something; or why it must stay.
    ///
    /// | what | may be removed |
    /// | --- | --- |
    /// | a tag that no route makes | always |
    /// | a tag | while its device is not online, or while it is stale |
    /// | a device whose route is gone | always |
    /// | a device | while it is not online |
    /// | a gateway, as a device | while it does not run |
    /// | a tag of a gateway | with the gateway only |
    public func tagsToForget(with forgotten: Forgotten, in tree: DeviceRecord?) throws(ForgettingRefusal) -> [TagPath] {
        switch forgotten {
        case .alarm(let record):
            try mayForget(record)
            return []
        case .tag(let path):
            if let own = GatewayFault.parts(of: path) { throw .ofGateway(device: own.device) }
            guard let tag = ingest.tags.id(of: path), let entry = latest.entry(tag), entry.quality != .stale else {
                return [path]
            }
            let device = ingest.tags[tag].device
            if ingest.devices.state(of: device).state == .online { throw .online(device: ingest.devices[device].path) }
            return [path]
        case .device(let path):
            if let (gateway, own) = ownTags.first(where: { $0.value.device == path }) {
                guard own.missingSince != nil else { throw .running(gateway: gateway) }
            } else if tree.map(defines) ?? true, let device = ingest.devices.id(of: path),
                ingest.devices.state(of: device).state == .online
            {
                throw .online(device: path)
            }
            guard let device = ingest.devices.id(of: path) else { return [] }
            return ingest.tags.tags(of: device).filter { latest.entry($0) != nil || nodeExists[$0.index] }
                .map { ingest.tags[$0].path }
        }
    }

    /// An alarm that the configuration defines goes when it is normal, or after its tag.
    private func mayForget(_ record: AlarmRecord) throws(ForgettingRefusal) {
        guard record.state != .normal, defines(alarm: record.path), let tag = ingest.tags.id(of: record.path.tag),
            latest.entry(tag) != nil
        else { return }
        throw .watched(record.state)
    }

    // MARK: Removing

    /// Something was removed, here or by another gateway. What is heard of it from now on is heard for the first time.
    public mutating func forget(_ forgotten: Forgotten) {
        switch forgotten {
        case .alarm(let record): alarms.forget(record)
        case .tag(let path): if let tag = ingest.tags.id(of: path) { forget(tag) }
        case .device(let path):
            guard let device = ingest.devices.id(of: path) else { return }
            for tag in ingest.tags.tags(of: device) { forget(tag) }
            firstSeen[device] = nil
            routesInTree[device] = nil
            changedDevices.remove(device)
            ingest.forget(device)
            for (gateway, own) in ownTags where own.device == path { ownTags[gateway] = nil }
        }
    }

    private mutating func forget(_ tag: TagID) {
        latest.forget(tag)
        unseen[tag] = nil
        nodeExists[tag.index] = false
        isHeardWithoutTime[tag.index] = false
    }
}
