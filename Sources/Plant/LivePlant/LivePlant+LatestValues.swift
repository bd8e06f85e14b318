/// A tag whose node is to be written.
public struct TagWrite: Sendable {
    public let tag: TagID
    /// As it is spelt below `/tags`, without a leading slash.
    public let znodePath: String
    public let shard: Int
    /// Whether the node is known to exist.
    public let exists: Bool
    public let data: [UInt8]
}

// Latest values: what is to be written, and what the tree has.
extension LivePlant {
    /// What the tree has of one tag.
    public typealias TagNode = (tag: TagID, data: [UInt8]?)

    /// Takes up to `limit` changed tags of these shards, as their nodes should be now.
    public mutating func takeChanged(ownedBy shards: UInt64, limit: Int) -> [TagWrite] {
        var changed: [TagID] = []
        latest.takeDirty(ownedBy: shards, limit: limit, into: &changed)
        return changed.compactMap { tag in
            var data: [UInt8] = []
            data.reserveCapacity(96)
            // Until the alarms have seen the value that stands in the tree, its delays stand with it.
            let kept = unseen.isEmpty ? [:] : unseen[tag]?.delays ?? [:]
            let delays = kept.isEmpty ? alarms.unsettledDelays(of: tag) : kept
            guard latest.encode(tag, tags: ingest.tags, delays: delays, into: &data) else { return nil }
            let description = ingest.tags[tag]
            return TagWrite(
                tag: tag, znodePath: description.znodePath, shard: description.shard, exists: nodeExists[tag.index],
                data: data)
        }
    }

    /// The shards with tags that wait to be written, as a bit mask.
    public var unwrittenShards: UInt64 { latest.dirtyShards }

    /// How many tags of these shards wait to be written.
    public func unwrittenCount(ownedBy shards: UInt64) -> Int { latest.dirtyCount(ownedBy: shards) }

    public mutating func written(_ writes: [TagWrite]) {
        for write in writes where !write.exists { nodeExists[write.tag.index] = true }
    }

    /// What was taken and could not be written is changed again.
    public mutating func writeFailed(_ writes: [TagWrite]) { latest.markDirty(writes.lazy.map(\.tag)) }

    public mutating func writeFailed(_ tags: [TagID]) { latest.markDirty(tags) }

    /// A tag's latest value; nil when nothing is known of it.
    public func value(of path: TagPath) -> LatestValues.Entry? {
        ingest.tags.id(of: path).flatMap { latest.entry($0) }
    }

    /// A tag's latest value as interlocks and verifications may take it; nil when nothing is known of it.
    public func interlockReading(of path: TagPath) -> Interlock.Reading? {
        guard let tag = ingest.tags.id(of: path), let entry = latest.entry(tag) else { return nil }
        let topic = Int(topicOfTag[tag.index])
        let isVouchedFor = topic >= 0 && ingest.route(ofTopic: topic)?.vouchesForItsTags == true
        return Interlock.Reading(
            value: entry.value, quality: entry.shownQuality,
            isTimeInDoubt: entry.quality == .uncertain && !entry.isCalledUncertain, receivedAt: entry.receivedTime,
            sourceTime: entry.hasOwnTime ? entry.sourceTime : nil, isRetained: entry.isHeard && !entry.isLive,
            isFromBirth: entry.isFromBirth, isHeard: entry.isHeard, isVouchedFor: isVouchedFor,
            device: ingest.devices.state(of: ingest.tags[tag].device).state)
    }

    // MARK: What the tree has

    /// Takes over a tag's node, before anything is heard.
    public mutating func seedTag(znodePath: String, data: [UInt8], at now: Milliseconds) {
        guard let path = try? TagPath(znodePath: znodePath), var record = TagRecord(parsing: data) else { return }
        // It must not make the tag deaf until that time comes.
        let isBelieved = Self.isBelieved(record, at: now)
        if !isBelieved {
            record.sourceTime = now
            record.receivedTime = now
        }
        guard let tag = tag(for: path, at: now) else { return }
        nodeExists[tag.index] = true
        latest.seed(tag, record, isTimeBelieved: isBelieved, tags: ingest.tags)
        lookLater(at: tag, since: now, delays: record.delays)
    }

    private mutating func tag(for path: TagPath, at now: Milliseconds) -> TagID? {
        if GatewayFault.isOwn(path) { return seedOwnTag(path, at: now) }
        let known = ingest.tags.count
        defer { bind(known..<ingest.tags.count, at: now) }
        return ingest.tag(for: path, at: now)
    }

    /// Takes over a device's node, before anything is heard.
    public mutating func seedDevice(_ record: DeviceRecord, at now: Milliseconds) {
        guard let path = try? TagPath(record.device),
            let device = ingest.device(for: path, route: record.route, at: now)
        else { return }
        firstSeen[device] = record.firstSeen
        routesInTree[device] = record.route
        ingest.seed(
            device: device, state: record.state, since: record.since, flappingSince: record.flapping, at: now)
    }

    /// Takes in a device of which this gateway has not heard.
    public mutating func learnDevice(_ record: DeviceRecord, at now: Milliseconds) {
        guard let path = try? TagPath(record.device), ingest.devices.id(of: path) == nil else { return }
        seedDevice(record, at: now)
    }

    /// These shards in groups that hold about as many tags each.
    public func groups(ofShards shards: UInt64, tagsPerGroup: Int) -> [UInt64] {
        let counts = ingest.tags.all.reduce(into: [Int](repeating: 0, count: ShardMap.shardCount)) {
            $0[ingest.tags[$1].shard] += 1
        }
        var groups: [UInt64] = []
        var group: UInt64 = 0
        var size = 0
        for shard in counts.indices where shards >> UInt64(shard) & 1 == 1 {
            if group != 0, size + counts[shard] > tagsPerGroup {
                groups.append(group)
                group = 0
                size = 0
            }
            group |= 1 << UInt64(shard)
            size += counts[shard]
        }
        return group == 0 ? groups : groups + [group]
    }

    /// Tags of these shards that are known to have a node. Of the others the attempt to make one will tell.
    public func tagsInTree(ofShards shards: UInt64) -> [(tag: TagID, znodePath: String)] {
        ingest.tags.all.compactMap { tag in
            let description = ingest.tags[tag]
            guard shards >> UInt64(description.shard) & 1 == 1, nodeExists[tag.index] else { return nil }
            return (tag, description.znodePath)
        }
    }

    /// What may be believed of nodes that were read: costs parsing, so a shell calls it outside its lock.
    public static func records(_ nodes: [TagNode], at now: Milliseconds) -> [TagID: TagRecord] {
        var records: [TagID: TagRecord] = [:]
        for (tag, data) in nodes {
            guard let record = data.flatMap(TagRecord.init(parsing:)), isBelieved(record, at: now) else { continue }
            records[tag] = record
        }
        return records
    }

    /// Takes up what the tree has of these shards: all tags of ``tagsInTree(ofShards:)``, nil where the node has gone.
    public mutating func reconcile(
        shards: UInt64, nodes: [TagNode], records: [TagID: TagRecord], at now: Milliseconds
    ) {
        noteExistence(nodes)
        noteMoment(now)
        let moment = latestMoment
        latest.reconcile(ownedBy: shards, with: records, tags: ingest.tags) { [clocks, topicOfTag] tag in
            Self.latestSource(of: tag, clocks, topicOfTag, at: moment)
        }
        for (tag, record) in records where latest.isFromTree(tag) {
            lookLater(at: tag, since: now, delays: record.delays)
        }
    }

    /// The same for some tags of owned shards.
    public mutating func reconcile(nodes: [TagNode], records: [TagID: TagRecord], at now: Milliseconds) {
        noteExistence(nodes)
        noteMoment(now)
        for (tag, record) in records {
            let latestSource = Self.latestSource(of: tag, clocks, topicOfTag, at: latestMoment)
            latest.reconcile(tag, with: record, tags: ingest.tags, latestSource: latestSource)
            if latest.isFromTree(tag) { lookLater(at: tag, since: now, delays: record.delays) }
        }
    }

    /// Takes up nodes of tags that others write: what they have heard and this gateway may not have. Those of `owned` shards
    /// are left out.
    public mutating func takeUp(
        _ nodes: some Sequence<(znodePath: String, data: [UInt8])>, exceptOf owned: UInt64, at now: Milliseconds
    ) {
        for node in nodes {
            guard let path = try? TagPath(znodePath: node.znodePath), let tag = ingest.tags.id(of: path),
                latest.entry(tag) != nil
            else {
                seedTag(znodePath: node.znodePath, data: node.data, at: now)
                continue
            }
            guard owned >> UInt64(ingest.tags[tag].shard) & 1 == 0 else { continue }
            let nodes: [TagNode] = [(tag, node.data)]
            reconcile(nodes: nodes, records: Self.records(nodes, at: now), at: now)
        }
    }

    private mutating func noteExistence(_ nodes: [TagNode]) {
        for (tag, data) in nodes { nodeExists[tag.index] = data != nil }
    }

    /// Whether a record may make samples be refused: not when it was written under a clock that was ahead.
    private static func isBelieved(_ record: TagRecord, at now: Milliseconds) -> Bool {
        max(record.sourceTime, record.receivedTime) <= now &+ IngestLimits().clockLead
    }
}
