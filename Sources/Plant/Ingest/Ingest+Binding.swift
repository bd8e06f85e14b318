// From topics to tags: what the first message on a topic finds, and what later ones show besides.
extension Ingest {
    /// Finds the route of a topic and makes its binding, and those by further routes, see ``MessagePart``. Gives the number of
    /// the topic; nil when no route takes it, or one for which it says nothing.
    mutating func bind(
        _ topic: borrowing Span<UInt8>, at now: Milliseconds, _ outcome: inout MessageOutcome
    ) throws(MessageOutcome.Refusal) -> Int? {
        let path: TagPath
        do {
            path = try TagPath(topic: topic)
        } catch {
            throw .path(error)
        }
        guard let match = match(path.text) else { return nil }
        guard !saysNothing(path, match) else {
            outcome.result = .ignored
            ignored.insert(topic, nil)
            return nil
        }
        let number = try bind(path, match, key: topic, at: now, &outcome)
        if !match.isPresence, routes[match.route].definition.continues {
            bindFurther(path, first: number, at: now, &outcome)
        }
        return number
    }

    /// What a topic is for a route; its number is that of `key`.
    ///
    /// - Parameter isSeries: whether it is a series of points in line protocol; `path` is then that of its tags.
    mutating func bind(
        _ path: TagPath, _ match: Match, isSeries: Bool = false, key: borrowing Span<UInt8>, at now: Milliseconds,
        _ outcome: inout MessageOutcome
    ) throws(MessageOutcome.Refusal) -> Int {
        let definition = routes[match.route].definition
        if definition.payload == .lines, !match.isPresence, !isSeries {
            return try bindLines(match, key: key)
        }
        if definition.payload == .sparkplug { return try bindEdge(path, match, key: key) }
        let devicePath: TagPath
        var tagPaths: [TagPath] = []
        var tagBase = path
        do {
            devicePath = try definition.devicePath(match.captures)
        } catch {
            throw .device(error)
        }
        do {
            if !match.isPresence {
                tagBase = isSeries ? path : try definition.tagBase(topic: path, match.captures)
                tagPaths = try definition.tagPaths(base: tagBase)
            }
        } catch {
            throw .path(error)
        }
        guard !GatewayFault.isOwn(devicePath), !tagPaths.contains(where: GatewayFault.isOwn) else { throw .own }
        // Nothing is remembered of a topic that does not fit as a whole.
        guard topics.hasRoom(forBytes: key.count) else { throw .tooManyTopics }
        let newPaths = Set(tagPaths.filter { tags.id(of: $0) == nil })
        guard newPaths.count <= roomForTags else { throw .tooManyTags }
        guard roomForDevices > 0 || devices.id(of: devicePath) != nil,
            let device = devices.intern(devicePath, route: definition.name, rules: definition.deviceRules, at: now)
        else {
            throw .tooManyDevices
        }
        outcome.isNewDevice = device.isNew
        let firstNew = tags.count
        let firstTag = boundTags.count
        let shard = devices[device.id].shard
        for (path, value) in zip(tagPaths, definition.values) {
            guard let tag = bound(path, value, device: device.id, shard: shard, of: definition) else {
                throw .tooManyTags
            }
            boundTags.append(tag)
        }
        let isOpen = !match.isPresence && !definition.wildcards.isEmpty
        // Last, and with room for it: a topic has a number exactly when it has a binding.
        guard topics.insert(key) == bindings.count else { throw .tooManyTopics }
        let binding = Binding(
            isPresence: match.isPresence, hasElements: !match.isPresence && definition.each != nil,
            route: Int32(clamping: match.route), device: device.id,
            firstTag: Int32(clamping: firstTag), tagCount: Int32(clamping: tagPaths.count),
            open: isOpen ? Int32(clamping: openTopics.count) : -1)
        bindings.append(binding)
        if isOpen {
            openTopics.append(
                OpenTopic(tagBase: tagBase, decoder: routes[match.route].decoder, capacity: tagPaths.count))
        }
        outcome.newTags = (outcome.newTags.isEmpty ? firstNew : outcome.newTags.lowerBound)..<tags.count
        return bindings.count - 1
    }

    /// The tag of a value. A tag that is known from the tree alone belongs to the first device that publishes it, and takes unit and
    /// deadband from that device's route.
    mutating func bound(
        _ path: TagPath, _ value: ValueRule, device: DeviceID, shard: Int, of definition: RouteDefinition
    ) -> BoundTag? {
        let deadband = definition.deadband(of: path)
        let width = deadband?.width(of: numericTags.rules.traits(of: path).range)
        let unit = definition.unit(of: path, value)
        let refreshAfter = (width == nil ? nil : deadband?.maximumSilence) ?? definition.staleAfter
        if !unclaimed.isEmpty, let known = tags.id(of: path), unclaimed.remove(known) != nil,
            tags[known].device != device || tags[known].unit != unit || tags[known].deadband != width
                || tags[known].refreshAfter != refreshAfter
        {
            tags.rehome(
                known, device: device, shard: shard, unit: unit, deadband: width, refreshAfter: refreshAfter)
            rehomedTags.append(known)
        }
        let tag = tags.intern(
            path, device: device, shard: shard, unit: unit, deadband: width, refreshAfter: refreshAfter)
        return tag.map { BoundTag(tag: $0, isNumeric: numericTags.contain(path, of: definition)) }
    }

    /// Gives the topic's news tags, as far as there is room.
    @inline(never)
    mutating func learn(_ topic: Int, at now: Milliseconds, _ outcome: inout MessageOutcome) {
        let news = workspace.news
        workspace.news = []
        let firstNew = outcome.newTags.isEmpty ? tags.count : outcome.newTags.lowerBound
        if learn(news, on: topic) {
            outcome.flaw = .init(tag: nil, failure: .tooManyValues(Int(bindings[topic].tagCount)))
        }
        outcome.newTags = firstNew..<tags.count
    }

    /// True when there was no room for all of it, which is counted.
    @discardableResult
    mutating func learn(_ news: [LearntValues.News], on topic: Int) -> Bool {
        let binding = bindings[topic]
        let definition = routes[Int(binding.route)].definition
        var open = openTopics[Int(binding.open)]
        let shard = devices[binding.device].shard
        var isFull = false
        let knownTags = Int(binding.tagCount)
        let known = open.learnt.bytes
        news: for news in news {
            guard open.learnt.count < limits.learntPerTopic,
                learntBytes + open.learnt.bytes - known < limits.learntBytes
            else {
                isFull = true
                break
            }
            switch news {
            case .seen(let sight): open.learnt.learn(sight)
            case .value(let value):
                guard let path = try? definition.tagPath(value, base: open.tagBase), !GatewayFault.isOwn(path),
                    tags.id(of: path).map({ !tags(ofTopic: topic).contains($0) }) ?? true
                else {
                    open.learnt.learn(LearntValues.Seen(place: value.place, isAwaited: false))
                    continue
                }
                guard roomForTags > 0 || tags.id(of: path) != nil,
                    let tag = bound(path, value, device: binding.device, shard: shard, of: definition)
                else {
                    isFull = true
                    break news
                }
                open.learnt.learn(value)
                append(tag, to: topic, &open.capacity)
            }
        }
        learntBytes += open.learnt.bytes - known
        if isFull {
            tally.tableFull &+= 1
            open.learnt.close()
        }
        open.isDecoderCurrent = false
        openTopics[Int(binding.open)] = open
        grownTopics.append(GrownTopic(number: topic, known: knownTags))
        return isFull
    }

    /// Appends a tag to those of a topic, which move to the end when their place is full; it doubles then.
    mutating func append(_ tag: BoundTag, to topic: Int, _ capacity: inout Int) {
        let (first, count) = (Int(bindings[topic].firstTag), Int(bindings[topic].tagCount))
        if count == capacity {
            capacity = max(8, capacity * 2)
            bindings[topic].firstTag = Int32(clamping: boundTags.count)
            for position in first..<first + count { boundTags.append(boundTags[position]) }
            boundTags.append(contentsOf: repeatElement(tag, count: capacity - count))
        }
        boundTags[Int(bindings[topic].firstTag) + count] = tag
        bindings[topic].tagCount += 1
    }

    /// Whether the route that takes a topic means nothing by it: all of its topics, or those that are meant for others.
    func saysNothing(_ path: TagPath, _ match: Match) -> Bool {
        let payload = routes[match.route].definition.payload
        return payload == .nothing || (payload == .sparkplug && Self.isForOthers(path))
    }

    /// A route that takes a topic, and what the names of its template stand for.
    struct Match {
        let route: Int
        let isPresence: Bool
        let captures: [String: String]
    }

    func match(_ topic: String) -> Match? {
        for (index, route) in routes.enumerated() {
            if let captures = route.definition.presence?.topic.match(topic) {
                return Match(route: index, isPresence: true, captures: captures)
            }
        }
        return match(topic, after: -1)
    }

    /// Whether a message without a payload on a topic that is not known is a heartbeat.
    func isBeatWithoutWord(_ topic: borrowing Span<UInt8>) -> Bool {
        guard wordlessBeats.match(topic), let path = try? TagPath(topic: topic), let match = match(path.text) else {
            return false
        }
        return match.isPresence && routes[match.route].definition.presence?.online == nil
    }

    /// The same for a topic that is known.
    func isBeatWithoutWord(_ binding: Binding) -> Bool {
        guard binding.isPresence, let presence = routes[Int(binding.route)].definition.presence else { return false }
        return presence.online == nil
    }

    /// The first route after another one that takes a topic's samples.
    func match(_ topic: String, after other: Int) -> Match? {
        for index in routes.indices.dropFirst(other + 1) {
            if let captures = routes[index].definition.topic.match(topic) {
                return Match(route: index, isPresence: false, captures: captures)
            }
        }
        return nil
    }

    /// The routes that take a topic's messages, the first one and those that share them.
    func matches(_ topic: String) -> [Match] {
        guard let first = match(topic) else { return [] }
        var matches = [first]
        while let last = matches.last, !last.isPresence, routes[last.route].definition.continues,
            let next = match(topic, after: last.route), routes[next.route].definition.payload != .nothing
        {
            matches.append(next)
        }
        return matches
    }

    /// A message was published on a topic, which nothing but counting is to come of.
    public mutating func observed(_ topic: borrowing Span<UInt8>) {
        if topics.find(topic) >= 0 || unrouted.observedAgain(topic) { return }
        unrouted.observed(topic, isRouted: isRouted(topic))
    }

    /// Whether a route takes a topic. Of most that no route takes, the bytes show it at once.
    private func isRouted(_ topic: borrowing Span<UInt8>) -> Bool {
        guard filters.match(topic), let path = try? TagPath(topic: topic) else { return false }
        return match(path.text) != nil
    }

    /// The routes that take a topic, and whether as presence; for explanations, not for messages.
    public func routes(of topic: String) -> [(route: RouteDefinition, isPresence: Bool)] {
        matches(topic).map { (routes[$0.route].definition, $0.isPresence) }
    }
}
