// The gateways' own faults: what they say about themselves becomes samples, and those alarms, like a device's.
extension LivePlant {
    /// What is known of one gateway's own tags.
    struct OwnTags: Sendable {
        let device: TagPath
        var tags: [String: TagID] = [:]
        /// When the problem of a kind began whose end was told last, as its gateway says.
        var ended: [String: Milliseconds] = [:]
        /// Since when its status has not been there, by the clock without leaps.
        var missingSince: Milliseconds?
    }

    /// A gateway whose status is not in the tree for so long is `absent`: longer than a restart or an upgrade takes.
    public static let awayAfter: Milliseconds = 60_000
    /// Nothing is held against a gateway for a time in which nobody looked.
    static let longestBlindness: Milliseconds = 10_000

    /// Takes what stands in `/status` now, of all gateways, this one included; call it when something there has changed and
    /// once a second.
    ///
    /// Every gateway computes the same samples from the same records, whichever records the alarms:
    ///
    /// | the status | tag `linekeeper/gateways/<gateway>/<kind>` |
    /// | --- | --- |
    /// | has a problem | its ``GatewayFault/Severity``, since the problem began |
    /// | has a problem that is over and was not seen here | both, dated as they were |
    /// | has a problem that is over | 0, since it ended |
    /// | had a problem, and it is not tried at present whether it is over | nobody knows: bad, and its alarm stays as it is |
    /// | no longer has it (the gateway has restarted) | 0, now |
    /// | is not there for less than ``awayAfter`` | as it was |
    /// | is not there for longer | `absent` is 1; of the others nobody knows: bad, and their alarms stay as they are |
    /// | is there | `absent` is 0 |
    ///
    /// Times of another clock that is off by more than an hour are replaced by ours, as are those of a clock that says of itself
    /// that it was set; and no tag's time goes back: the newest record counts.
    public mutating func statusesRead(_ statuses: [GatewayStatusRecord], at now: Milliseconds) -> Effects {
        noteMoment(now)
        var effects = Effects()
        let moment = withoutLeaps(now)
        if moment &- lastStatuses > Self.longestBlindness {
            for gateway in ownTags.keys { ownTags[gateway]?.missingSince = nil }
        }
        lastStatuses = moment
        var present: Set<String> = []
        for status in statuses where present.insert(status.gateway).inserted {
            guard makeRoom(for: status.gateway) else { continue }
            ownTags[status.gateway]?.missingSince = nil
            tell(status.gateway, GatewayFault.absent, .none, at: nil, now, &effects)
            take(status, now, &effects)
        }
        for (gateway, own) in ownTags.sorted(by: { $0.key < $1.key }) where !present.contains(gateway) {
            let since = own.missingSince ?? moment
            ownTags[gateway]?.missingSince = since
            guard moment &- since >= Self.awayAfter else { continue }
            tell(gateway, GatewayFault.absent, .degraded, at: nil, now, &effects)
            for (kind, tag) in own.tags.sorted(by: { $0.key < $1.key }) where kind != GatewayFault.absent {
                setUnknown(tag, at: now, &effects)
            }
        }
        return effects
    }

    private mutating func take(_ status: GatewayStatusRecord, _ now: Milliseconds, _ effects: inout Effects) {
        var told: Set<String> = [GatewayFault.absent]
        let failing = Set((status.problems + status.untried).map(\.kind))
        for problem in status.recovered {
            guard let until = problem.until, !failing.contains(problem.kind) else { continue }
            told.insert(problem.kind)
            let entry = ownTags[status.gateway]?.tags[problem.kind].flatMap { latest.entry($0) }
            let isNew = entry.map { $0.value == .integer(0) && $0.sourceTime < problem.since } ?? true
            // Told once, whatever its times: it stands there for a minute.
            if isNew, ownTags[status.gateway]?.ended[problem.kind] != problem.since,
                entry == nil || Self.isBelieved(problem.since, at: now)
            {
                // Began and ended between two looks, or while the tree was away.
                tell(
                    status.gateway, problem.kind, GatewayFault.severity(of: problem.kind), at: problem.since, now,
                    &effects)
            }
            tell(status.gateway, problem.kind, .none, at: until, now, &effects)
            if ownTags[status.gateway]?.tags[problem.kind] != nil {
                ownTags[status.gateway]?.ended[problem.kind] = problem.since
            }
        }
        for problem in status.problems where told.insert(problem.kind).inserted {
            tell(
                status.gateway, problem.kind, GatewayFault.severity(of: problem.kind), at: problem.since, now, &effects)
        }
        for problem in status.untried where told.insert(problem.kind).inserted {
            guard let tag = ownTags[status.gateway]?.tags[problem.kind] else { continue }
            setUnknown(tag, at: now, &effects)
        }
        for kind in (ownTags[status.gateway]?.tags.keys.sorted() ?? []) where !told.contains(kind) {
            tell(status.gateway, kind, .none, at: nil, now, &effects)
        }
    }

    /// Makes a sample where the tag's value is another one.
    private mutating func tell(
        _ gateway: String, _ kind: String, _ severity: GatewayFault.Severity, at time: Milliseconds?,
        _ now: Milliseconds, _ effects: inout Effects
    ) {
        guard let tag = ownTag(kind, of: gateway, at: now) else { return }
        let entry = latest.entry(tag)
        let value = TagValue.integer(severity.rawValue)
        guard entry?.value != value || entry?.quality != .good else { return }
        var time = kind == GatewayFault.clock ? nil : time.flatMap { Self.isBelieved($0, at: now) ? $0 : nil }
        if let entry, entry.hasSourceTime, (time ?? now) <= entry.sourceTime { time = entry.sourceTime &+ 1 }
        record(Sample(tag: tag, value: value, sourceTime: time, receivedTime: now), &effects)
    }

    /// Nobody knows any more what a tag's value is.
    private mutating func setUnknown(_ tag: TagID, at now: Milliseconds, _ effects: inout Effects) {
        guard let entry = latest.entry(tag), entry.quality != .bad else { return }
        record(Sample(tag: tag, value: nil, quality: .bad, receivedTime: now), &effects)
    }

    private mutating func record(_ sample: Sample, _ effects: inout Effects) {
        if take(sample, Timing(topic: -1)) { effects.alarmsPending = true }
    }

    private static func isBelieved(_ time: Milliseconds, at now: Milliseconds) -> Bool {
        time.isShownByClocks && (time &- now).magnitude <= GatewayFault.believedWithin.magnitude
    }

    // MARK: Their tags

    /// Whether anything is kept of that gateway, and may be.
    private mutating func makeRoom(for gateway: String) -> Bool {
        if ownTags[gateway] != nil { return true }
        guard ownTags.count < GatewayFault.mostGateways, let device = GatewayFault.device(of: gateway) else {
            return false
        }
        ownTags[gateway] = OwnTags(device: device)
        return true
    }

    private mutating func ownTag(_ kind: String, of gateway: String, at now: Milliseconds) -> TagID? {
        guard let own = ownTags[gateway] else { return nil }
        if let tag = own.tags[kind] { return tag }
        guard own.tags.count < GatewayFault.mostKinds, let path = GatewayFault.tag(of: kind, at: own.device) else {
            return nil
        }
        let known = ingest.tags.count
        guard let tag = ingest.ownTag(path, device: own.device, at: now) else { return nil }
        bind(known..<ingest.tags.count, at: now)
        ownTags[gateway]?.tags[kind] = tag
        return tag
    }

    /// The tag of a node of Linekeeper's own in the tree; nil for a name that no gateway gives.
    mutating func seedOwnTag(_ path: TagPath, at now: Milliseconds) -> TagID? {
        guard let (gateway, kind, _) = GatewayFault.parts(of: path), makeRoom(for: gateway) else { return nil }
        return ownTag(kind, of: gateway, at: now)
    }
}
