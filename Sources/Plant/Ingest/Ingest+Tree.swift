// What the tree knows, taken up before anything is heard; and what time does to devices.
extension Ingest {
    /// The tag of a path that the tree knows, as a message on its topic would make it: for filling the mirror before
    /// anything has been heard. nil when no route makes such a tag, or a table is full.
    ///
    /// Several topics or places can have a tag of that path when values or devices have names of several levels, or when routes
    /// give tags names of their own. Then the tag gets a device and no topic, until a message shows which topic it is. Of
    /// several devices it gets the known one with the longest name, and another one when that is the first to have it in a
    /// message; when none is known, there is no tag yet. Below a device of an edge node it is taken for a metric.
    public mutating func tag(for path: TagPath, at now: Milliseconds) -> TagID? {
        if let tag = tags.id(of: path) { return tag }
        var sources = sources(of: path)
        // A route for everything would have the tags of all edge nodes, and so their metrics would be refused.
        if let edge = edgeSource(of: path), edge.isRecorded,
            !sources.contains(where: { isRecorded($0, below: edge.source.device) })
        {
            return tag(path, of: edge.source, at: now)
        }
        if sources.contains(where: { $0.device != sources[0].device }) {
            sources = sources.filter { devices.id(of: $0.device) != nil }
            // A route that names the value means it rather than one that would learn it.
            if sources.contains(where: \.isNamed) { sources.removeAll { !$0.isNamed } }
        }
        guard let source = sources.first else {
            return (lineSource(of: path) ?? edgeSource(of: path)?.source).flatMap { tag(path, of: $0, at: now) }
        }
        guard sources.count == 1, source.values.count == 1 else { return tag(path, of: source, at: now) }
        var number = topics.find(source.topic.span)
        if number < 0 {
            var outcome = MessageOutcome(.unrouted)
            guard (try? bind(source.topic.span, at: now, &outcome)) != nil else { return nil }
            // No message has come.
            parts.removeAll(keepingCapacity: true)
            number = topics.find(source.topic.span)
        }
        while number >= 0, bindings[number].route != source.route { number = Int(bindings[number].next) }
        guard number >= 0 else { return tags.id(of: path) }
        if tags.id(of: path) == nil, bindings[number].open >= 0 {
            learn(source.values.map(LearntValues.News.value), on: number)
        }
        return tags.id(of: path)
    }

    /// Whether a route makes a tag of that path.
    public func makes(_ path: TagPath) -> Bool {
        tags.id(of: path) != nil || !sources(of: path).isEmpty
            || routes.contains { $0.definition.canMake(lineTag: path) || $0.definition.canMake(sparkplugTag: path) }
    }

    /// A topic whose messages can have the value of a tag.
    private struct Source {
        let topic: [UInt8]
        let route: Int
        let device: TagPath
        /// What the tag can be on that topic; at least one.
        let values: [ValueRule]
        /// Whether the route names the value.
        let isNamed: Bool
    }

    /// Where a tag can come from, the longer topics first.
    private func sources(of path: TagPath) -> [Source] {
        let levels = path.levels
        var sources: [Source] = []
        for last in levels.indices.reversed() {
            // A tag of several has its topic's path, or what stands for it, and below it a name, which may have levels.
            let base = levels[...last].joined(separator: "/")
            let candidates = [base] + tagTemplates.compactMap { $0.topic(of: base) }
            for (position, candidate) in candidates.enumerated() {
                // By its bytes most are none of the routes' topics.
                guard filters.match(candidate.utf8.span), let topic = try? TagPath(candidate) else { continue }
                for match in matches(candidate) where !match.isPresence {
                    let definition = routes[match.route].definition
                    // Whose the tags of points are, the points show.
                    guard definition.payload != .lines, definition.payload != .sparkplug,
                        (definition.tag == nil) == (position == 0),
                        (try? definition.tagBase(topic: topic, match.captures))?.text.hasSameBytes(as: base) == true,
                        let device = try? definition.devicePath(match.captures)
                    else { continue }
                    let values = definition.values(named: levels[(last + 1)...])
                    guard !values.isEmpty else { continue }
                    sources.append(
                        Source(
                            topic: Array(candidate.utf8), route: match.route, device: device, values: values,
                            isNamed: definition.values.contains { $0.place == values[0].place }))
                }
            }
        }
        return sources
    }

    /// Where the tag of a point in line protocol can come from: a known device, of which each name is a level of the tag. Its
    /// series shows itself with its next line.
    private func lineSource(of path: TagPath) -> Source? {
        let levels = path.levels.map(String.init)
        for (number, route) in routes.enumerated() where route.definition.canMake(lineTag: path) {
            let definition = route.definition
            let names = definition.device.names
            let value = levels.indices.lazy.compactMap { definition.values(named: path.levels[$0...]).first }.first
            guard names.count <= 2, let value = value ?? definition.values.first else { continue }
            for first in names.isEmpty ? [""] : levels {
                for second in names.count < 2 ? [""] : levels {
                    let captures = Dictionary(zip(names, [first, second]), uniquingKeysWith: { first, _ in first })
                    guard let device = definition.device.filled(captures).flatMap({ try? TagPath($0) }),
                        devices.id(of: device) != nil
                    else { continue }
                    return Source(topic: [], route: number, device: device, values: [value], isNamed: false)
                }
            }
        }
        return nil
    }

    /// Where the tag of a metric can come from: the known device with the longest name below which it lies, by the route that the
    /// tree names for it; when it names none of Sparkplug B, by the first that makes such a device.
    private func edgeSource(of path: TagPath) -> (source: Source, isRecorded: Bool)? {
        guard routes.contains(where: { $0.definition.payload == .sparkplug }) else { return nil }
        let levels = path.levels
        for end in levels.indices.dropFirst().reversed() {
            guard let device = try? TagPath(levels[..<end].joined(separator: "/")), let known = devices.id(of: device)
            else { continue }
            let recorded = recordedRoutes[known].flatMap { routes[$0].definition.payload == .sparkplug ? $0 : nil }
            guard
                let route = recorded
                    ?? routes.firstIndex(where: {
                        $0.definition.payload == .sparkplug && $0.definition.makes(device: device)
                    })
            else { continue }
            let source = Source(topic: [], route: route, device: device, values: [ValueRule()], isNamed: false)
            return (source, recorded != nil)
        }
        return nil
    }

    /// Whether the tree names the source's route for its device, and that lies below another one.
    private func isRecorded(_ source: Source, below device: TagPath) -> Bool {
        guard let known = devices.id(of: source.device), recordedRoutes[known] == source.route else { return false }
        return source.device.text.hasPrefix(device.text + "/")
    }

    /// The tag of a path that one of several topics has, until a message claims it.
    private mutating func tag(_ path: TagPath, of source: Source, at now: Milliseconds) -> TagID? {
        let definition = routes[source.route].definition
        guard !GatewayFault.isOwn(path), let value = source.values.first, roomForTags > 0,
            roomForDevices > 0 || devices.id(of: source.device) != nil,
            let device = devices.intern(
                source.device, route: definition.name, rules: definition.deviceRules, at: now)
        else { return nil }
        let known = tags.count
        let tag = bound(path, value, device: device.id, shard: devices[device.id].shard, of: definition)?.tag
        if let tag, tags.count > known { unclaimed.insert(tag) }
        return tag
    }

    /// Whether a route makes a device of that path.
    public func makes(device path: TagPath) -> Bool { routes.contains { $0.definition.makes(device: path) } }

    /// The device of a path that the tree knows; nil when the table is full. Its route is learnt with its first
    /// message; until then it may be silent for as long as the route says that the tree names, or, when that route does not
    /// make it any more, the first that does: else it would be online for ever when it is gone.
    ///
    /// - Parameter route: the name of that route.
    public mutating func device(for path: TagPath, route: String? = nil, at now: Milliseconds) -> DeviceID? {
        guard roomForDevices > 0 || devices.id(of: path) != nil else { return nil }
        let makers = routes.indices.filter { routes[$0].definition.makes(device: path) }
        let recorded = makers.first { routes[$0].definition.name == route }
        let maker = recorded ?? makers.first
        let rules = maker.map { routes[$0].definition.deviceRules } ?? DeviceRules()
        guard let device = devices.intern(path, rules: rules, at: now)?.id else { return nil }
        if let recorded { recordedRoutes[device] = recorded }
        return device
    }

    /// A tag of Linekeeper's own, which no message delivers; nil when there are too many.
    mutating func ownTag(_ path: TagPath, device: TagPath, at now: Milliseconds) -> TagID? {
        if let tag = tags.id(of: path) { return tag }
        guard let device = devices.intern(device, at: now) else { return nil }
        if device.isNew { ownDeviceCount += 1 }
        guard let tag = tags.intern(path, device: device.id, shard: devices[device.id].shard) else { return nil }
        ownTagCount += 1
        return tag
    }

    /// Takes over the state that the tree has for a device.
    public mutating func seed(
        device: DeviceID, state: DeviceState, since: Milliseconds, flappingSince: Milliseconds?, at now: Milliseconds
    ) {
        devices.seed(device, state: state, since: since, flappingSince: flappingSince, at: now)
    }

    /// A device was removed from the tree. Its next message makes it online.
    mutating func forget(_ device: DeviceID) { devices.forget(device) }

    /// Does not hold a time against the devices in which this process could not hear them.
    public mutating func forgiveSilence(_ time: Milliseconds, at now: Milliseconds) {
        devices.forgiveSilence(time, at: now)
    }

    /// This gateway's clock has been set: nobody has been silent for a longer or shorter time by that.
    mutating func clockLeapt(by leap: Milliseconds) {
        devices.clockLeapt(by: leap)
        edgeNodes.clockLeapt(by: leap)
    }

    /// This process hears the broker again.
    mutating func heardAgain(at now: Milliseconds) { devices.heardAgain(at: now) }

    /// What has begun and ended to flap since the last time.
    mutating func takeFlappingNews() -> [DeviceFlapping.News] { devices.takeFlappingNews() }

    /// See ``DeviceTable/expire(at:isDeaf:into:)``.
    public mutating func expireDevices(
        at now: Milliseconds, isDeaf: Bool = false, into turns: inout [(device: DeviceID, turn: DeviceTurn)]
    ) {
        devices.expire(at: now, isDeaf: isDeaf, into: &turns)
    }
}
