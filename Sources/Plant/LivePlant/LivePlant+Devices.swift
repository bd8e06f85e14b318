// Devices: their presence, and what of it is to be written.
extension LivePlant {
    /// Takes what has become of a device.
    ///
    /// Its tags fall silent whenever it is lost, also while it flaps. What is heard of it meanwhile counts as ever: damping
    /// concerns what a device counts as, and no sample.
    mutating func take(_ turn: DeviceTurn, of device: DeviceID, at now: Milliseconds, effects: inout Effects) {
        switch turn {
        case .counts(let state):
            changedDevices.insert(device)
            if firstSeen[device] == nil { firstSeen[device] = now }
            effects.devicesChanged = true
            if state != .online { fallSilent(device, at: now, effects: &effects) }
        case .lostAgain: fallSilent(device, at: now, effects: &effects)
        }
        for news in ingest.takeFlappingNews() {
            effects.flapping.append(
                Flapping(
                    device: ingest.devices[news.device].path, hasBegun: news.hasBegun,
                    state: ingest.devices.state(of: news.device).state))
        }
    }

    /// Calls the tags of a device stale.
    private mutating func fallSilent(_ device: DeviceID, at now: Milliseconds, effects: inout Effects) {
        for tag in ingest.tags.tags(of: device) where fallSilent(tag, at: now) { effects.alarmsPending = true }
        effects.tagsChanged = true
    }

    /// A message has come on a new topic of a device. True when the tree names another route for it than the one that takes
    /// it now.
    mutating func routeIsLearnt(of device: DeviceID) -> Bool {
        guard let known = routesInTree[device], let route = ingest.devices[device].route else { return false }
        routesInTree[device] = nil
        guard route != known else { return false }
        changedDevices.insert(device)
        return true
    }

    /// Calls a tag stale. Its alarms keep their conditions until the next good sample: silence returns nothing to normal,
    /// and begins nothing. True when what had been heard before ended a delay.
    mutating func fallSilent(_ tag: TagID, at now: Milliseconds) -> Bool {
        guard latest.markStale(tag) else { return false }
        return alarms.sampleReceived(
            tag: tag, value: .nan, quality: .stale, sourceTime: now, hasSourceTime: false, receivedTime: now)
    }

    /// Takes up to `limit` changed devices of these shards, as their nodes should be now.
    public mutating func takeChangedDevices(ownedBy shards: UInt64, limit: Int) -> [DeviceChange] {
        var changes: [DeviceChange] = []
        for device in changedDevices where changes.count < limit {
            let description = ingest.devices[device]
            guard shards >> UInt64(description.shard) & 1 == 1 else { continue }
            let (state, since) = ingest.devices.state(of: device)
            changes.append(
                DeviceChange(
                    device: device, znodePath: description.znodePath, shard: description.shard,
                    record: DeviceRecord(
                        device: description.path.text, route: description.route ?? routesInTree[device] ?? "",
                        firstSeen: firstSeen[device] ?? since, state: state, since: since,
                        flapping: ingest.devices.flappingSince(device))))
        }
        for change in changes { changedDevices.remove(change.device) }
        return changes
    }

    /// What was taken and could not be written is changed again, unless it has been removed since.
    public mutating func deviceWritesFailed(_ devices: [DeviceID]) {
        changedDevices.formUnion(devices.filter { firstSeen[$0] != nil })
    }

    /// This gateway has come to own a shard: nobody knows what the last owner got written of its devices. Of its tags,
    /// ``reconcile(shards:nodes:records:at:)`` will tell.
    public mutating func shardGained(_ shard: Int) {
        for device in ingest.devices.all where ingest.devices[device].shard == shard && firstSeen[device] != nil {
            changedDevices.insert(device)
        }
    }
}
