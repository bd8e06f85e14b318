import JSON

/// From messages to samples: the first part of "Life of a sample".
///
/// A value type for one owner; the shell hands in messages one by one, a batch under one lock, and gets samples
/// appended to its own array. The first message on a topic finds its route and numbers its tags and its device. Every
/// later one is a look-up of the topic's bytes, a scan of the payload, and a few stores; it allocates nothing unless a
/// value is long text.
///
/// Routes are asked in order: first whether a topic is a presence topic of any of them, then whose topic it is. The
/// first that matches takes it. Topics that no route takes are not remembered.
public struct Ingest: Sendable {
    /// What a topic is bound to.
    private struct Binding: Sendable {
        var isPresence: Bool
        var route: Int32
        var device: DeviceID
        var firstTag: Int32
        var tagCount: Int32
    }

    private struct Route: Sendable {
        let definition: RouteDefinition
        let decoder: PayloadDecoder
    }

    public private(set) var tags: TagTable
    public private(set) var devices: DeviceTable
    public private(set) var counters = IngestCounters()
    public let limits: IngestLimits
    /// By how much this gateway's clock has been set back since the start: times of devices that keep their clock do
    /// not lie ahead because of that.
    public var clockSetBack: Milliseconds = 0

    private let routes: ContiguousArray<Route>
    private var topics: TopicTable
    private var bindings: ContiguousArray<Binding> = []
    private var boundTags: ContiguousArray<TagID> = []
    /// Of each of `boundTags`.
    private var isNumeric: ContiguousArray<Bool> = []
    private let numericTags: NumericTags
    /// Tags and devices of Linekeeper's own, which take no room from the plant's.
    private var ownTagCount = 0
    private var ownDeviceCount = 0
    private var scanner = JSONScanner()
    private var readings: ContiguousArray<PayloadDecoder.Reading> = []

    /// - Parameters:
    ///   - rules: what the configuration says about tags beside their routes.
    ///   - alarms: the tags that alarms watch; with `rules` they tell which tags have numbers.
    ///   - hashSeed: random in a running gateway: it keeps publishers from choosing topics that collide.
    public init(
        routes: [RouteDefinition], rules: TagRules = TagRules(), alarms: [TopicFilter] = [],
        limits: IngestLimits = .init(), hashSeed: UInt64 = 0
    ) {
        numericTags = NumericTags(rules: rules, alarms: alarms)
        self.routes = ContiguousArray(routes.map { Route(definition: $0, decoder: PayloadDecoder($0)) })
        self.limits = limits
        tags = TagTable(limit: limits.tags + GatewayFault.mostGateways * GatewayFault.mostKinds)
        devices = DeviceTable(limit: limits.devices + GatewayFault.mostGateways)
        topics = TopicTable(limit: limits.topics, byteLimit: limits.topicBytes, seed: hashSeed)
    }

    /// The topics that are remembered.
    public var topicCount: Int { topics.count }

    /// Tables that take nothing more, in words.
    public var fullTables: [String] {
        [
            topics.hasRoom(forBytes: 1) ? nil : "topics (\(topics.count))",
            roomForTags > 0 ? nil : "tags (\(tags.count - ownTagCount))",
            roomForDevices > 0 ? nil : "devices (\(devices.count - ownDeviceCount))",
        ].compactMap { $0 }
    }

    private var roomForTags: Int { limits.tags - (tags.count - ownTagCount) }

    private var roomForDevices: Int { limits.devices - (devices.count - ownDeviceCount) }

    /// The tags of a topic, by its number.
    public func tags(ofTopic number: Int) -> ArraySlice<TagID> {
        let first = Int(bindings[number].firstTag)
        return ArraySlice(boundTags[first..<first + Int(bindings[number].tagCount)])
    }

    /// The route of a topic's samples, by its number; nil when the topic is one of presence.
    public func route(ofTopic number: Int) -> RouteDefinition? {
        bindings[number].isPresence ? nil : routes[Int(bindings[number].route)].definition
    }

    /// Takes one message. `receivedAt` is the wall clock of the reception.
    public mutating func message(
        topic: borrowing Span<UInt8>, payload: borrowing Span<UInt8>, retained: Bool, receivedAt: Milliseconds,
        into samples: inout ContiguousArray<Sample>
    ) -> MessageOutcome {
        counters.messages &+= 1
        let number = topics.find(topic)
        if number >= 0 {
            var outcome = MessageOutcome(.empty)
            outcome.topic = number
            read(payload, bindings[number], retained: retained, receivedAt: receivedAt, into: &samples, &outcome)
            return outcome
        }
        return firstMessage(topic: topic, payload: payload, retained: retained, receivedAt: receivedAt, into: &samples)
    }

    @inline(never)
    private mutating func firstMessage(
        topic: borrowing Span<UInt8>, payload: borrowing Span<UInt8>, retained: Bool, receivedAt: Milliseconds,
        into samples: inout ContiguousArray<Sample>
    ) -> MessageOutcome {
        var outcome = MessageOutcome(.unrouted)
        // A cleared retained message on an unknown topic is no reason to know it.
        if payload.isEmpty {
            counters.empty &+= 1
            outcome.result = .empty
            return outcome
        }
        let binding: Binding
        do {
            guard let found = try bind(topic, at: receivedAt, &outcome) else {
                counters.unrouted &+= 1
                return outcome
            }
            binding = found
        } catch {
            switch error {
            case .path, .device, .own: counters.refusedTopics &+= 1
            case .tooManyTopics, .tooManyTags, .tooManyDevices: counters.tableFull &+= 1
            }
            outcome.result = .refused(error)
            return outcome
        }
        outcome.isNewTopic = true
        outcome.topic = bindings.count &- 1
        read(payload, binding, retained: retained, receivedAt: receivedAt, into: &samples, &outcome)
        if outcome.isNewDevice, outcome.deviceState == nil {
            outcome.deviceState = devices.state(of: binding.device).state
        }
        return outcome
    }

    @inline(__always)
    private mutating func read(
        _ payload: borrowing Span<UInt8>, _ binding: Binding, retained: Bool, receivedAt: Milliseconds,
        into samples: inout ContiguousArray<Sample>, _ outcome: inout MessageOutcome
    ) {
        outcome.device = binding.device
        if payload.isEmpty {
            counters.empty &+= 1
            outcome.result = .empty
            return
        }
        if binding.isPresence {
            readPresence(payload, binding, receivedAt: receivedAt, &outcome)
            return
        }
        // Whatever it says, a live message shows that its device is there.
        if !retained { outcome.deviceState = devices.heard(binding.device, at: receivedAt) }
        guard payload.count <= limits.payloadBytes else {
            fail(
                .payloadTooLong(bytes: payload.count), binding, retained: retained, receivedAt: receivedAt,
                into: &samples, &outcome)
            return
        }
        do {
            let time = try routes[Int(binding.route)].decoder.decode(
                payload, isNumeric: isNumeric, from: Int(binding.firstTag), limits: limits, scanner: &scanner,
                readings: &readings, slowlyRead: &counters.slowlyRead)
            emit(binding, time, retained: retained, receivedAt: receivedAt, into: &samples, &outcome)
        } catch {
            fail(error, binding, retained: retained, receivedAt: receivedAt, into: &samples, &outcome)
        }
    }

    @inline(__always)
    private mutating func emit(
        _ binding: Binding, _ time: PayloadDecoder.Time, retained: Bool, receivedAt: Milliseconds,
        into samples: inout ContiguousArray<Sample>, _ outcome: inout MessageOutcome
    ) {
        var sourceTime: Milliseconds?
        var quality = retained ? Quality.uncertain : .good
        switch time {
        case .none: break
        case .unreadable:
            counters.unreadableTimes &+= 1
            quality = .uncertain
            outcome.flaw = .init(tag: nil, failure: .invalidTime)
        case .at(let time):
            if time >= limits.earliestTime, time &- receivedAt <= limits.clockLead &+ clockSetBack {
                sourceTime = time
                if retained { quality = retainedQuality(binding, sourceTime: time, receivedAt: receivedAt) }
            } else {
                counters.implausibleTimes &+= 1
                quality = .uncertain
            }
        }
        var count = 0
        for position in 0..<Int(binding.tagCount) {
            let tag = boundTags[Int(binding.firstTag) &+ position]
            switch readings[position] {
            case .value(let value):
                samples.append(
                    Sample(
                        tag: tag, value: value, quality: quality, sourceTime: sourceTime, receivedTime: receivedAt,
                        isRetained: retained))
            case .absent:
                continue
            case .unusable(let failure):
                counters.undecodable &+= 1
                // `null` is the sender's own word for having no value: the tag's quality says it.
                if outcome.flaw?.tag == nil, failure != .null { outcome.flaw = .init(tag: tag, failure: failure) }
                samples.append(
                    Sample(
                        tag: tag, value: nil, quality: .bad, sourceTime: sourceTime, receivedTime: receivedAt,
                        isRetained: retained))
            }
            count &+= 1
        }
        counters.samples &+= UInt64(truncatingIfNeeded: count)
        outcome.sourceTime = sourceTime
        outcome.result = .samples(count)
    }

    /// A kept value with its own time is as good as it is young.
    private func retainedQuality(_ binding: Binding, sourceTime: Milliseconds, receivedAt: Milliseconds) -> Quality {
        guard let limit = routes[Int(binding.route)].definition.staleAfter else { return .good }
        return receivedAt &- sourceTime > limit ? .stale : .good
    }

    @inline(never)
    private mutating func fail(
        _ failure: DecodeFailure, _ binding: Binding, retained: Bool, receivedAt: Milliseconds,
        into samples: inout ContiguousArray<Sample>, _ outcome: inout MessageOutcome
    ) {
        counters.undecodable &+= 1
        counters.samples &+= UInt64(binding.tagCount.magnitude)
        for position in 0..<Int(binding.tagCount) {
            samples.append(
                Sample(
                    tag: boundTags[Int(binding.firstTag) &+ position], value: nil, quality: .bad,
                    receivedTime: receivedAt,
                    isRetained: retained))
        }
        outcome.result = .undecodable(failure)
    }

    @inline(never)
    private mutating func readPresence(
        _ payload: borrowing Span<UInt8>, _ binding: Binding, receivedAt: Milliseconds, _ outcome: inout MessageOutcome
    ) {
        guard payload.count <= limits.payloadBytes, let rule = routes[Int(binding.route)].definition.presence,
            let isOnline = rule.isOnline(payload)
        else {
            counters.undecodable &+= 1
            outcome.result = .undecodable(.unknownPresence)
            return
        }
        counters.presence &+= 1
        outcome.result = .presence(isOnline: isOnline)
        outcome.deviceState = devices.presence(binding.device, isOnline: isOnline, at: receivedAt)
    }
}

extension Ingest {
    /// Finds the route of a topic and makes its binding; nil when no route takes it.
    private mutating func bind(
        _ topic: borrowing Span<UInt8>, at now: Milliseconds, _ outcome: inout MessageOutcome
    ) throws(MessageOutcome.Refusal) -> Binding? {
        let path: TagPath
        do {
            path = try TagPath(topic: topic)
        } catch {
            throw .path(error)
        }
        guard let match = match(path.text) else { return nil }
        let definition = routes[match.route].definition
        let devicePath: TagPath
        var tagPaths: [TagPath] = []
        do {
            devicePath = try definition.devicePath(match.captures)
        } catch {
            throw .device(error)
        }
        do {
            if !match.isPresence { tagPaths = try definition.tagPaths(topic: path) }
        } catch {
            throw .path(error)
        }
        guard !GatewayFault.isOwn(devicePath), !tagPaths.contains(where: GatewayFault.isOwn) else { throw .own }
        // Nothing is remembered of a topic that does not fit as a whole.
        guard topics.hasRoom(forBytes: topic.count) else { throw .tooManyTopics }
        let newPaths = Set(tagPaths.filter { tags.id(of: $0) == nil })
        guard newPaths.count <= roomForTags else { throw .tooManyTags }
        guard roomForDevices > 0 || devices.id(of: devicePath) != nil,
            let device = devices.intern(devicePath, route: definition.name, staleAfter: definition.staleAfter, at: now)
        else {
            throw .tooManyDevices
        }
        outcome.isNewDevice = device.isNew
        let firstNew = tags.count
        let firstTag = boundTags.count
        let shard = devices[device.id].shard
        for path in tagPaths {
            let tag = tags.intern(
                path, device: device.id, shard: shard, unit: definition.unit(of: path),
                deadband: definition.deadband(of: path),
                refreshAfter: definition.staleAfter)
            guard let tag else { throw .tooManyTags }
            boundTags.append(tag)
            isNumeric.append(numericTags.contain(path, of: definition))
        }
        // Last, and with room for it: a topic has a number exactly when it has a binding.
        guard topics.insert(topic) == bindings.count else { throw .tooManyTopics }
        let binding = Binding(
            isPresence: match.isPresence, route: Int32(clamping: match.route), device: device.id,
            firstTag: Int32(clamping: firstTag), tagCount: Int32(clamping: tagPaths.count))
        bindings.append(binding)
        outcome.newTags = firstNew..<tags.count
        return binding
    }

    private func match(_ topic: String) -> (route: Int, isPresence: Bool, captures: [String: String])? {
        for (index, route) in routes.enumerated() {
            if let captures = route.definition.presence?.topic.match(topic) { return (index, true, captures) }
        }
        for (index, route) in routes.enumerated() {
            if let captures = route.definition.topic.match(topic) { return (index, false, captures) }
        }
        return nil
    }

    /// The route that takes a topic and whether as presence; for explanations, not for messages.
    public func route(of topic: String) -> (route: RouteDefinition, isPresence: Bool)? {
        match(topic).map { (routes[$0.route].definition, $0.isPresence) }
    }

    /// The tag of a path that the tree knows, as a message on its topic would make it: for filling the mirror before
    /// anything has been heard. nil when no route makes such a tag, or a table is full.
    public mutating func tag(for path: TagPath, at now: Milliseconds) -> TagID? {
        if let tag = tags.id(of: path) { return tag }
        // A tag of several has its topic's path and below it a name, which may itself have levels.
        var levels = path.levels
        while !levels.isEmpty {
            let topic = Array(levels.joined(separator: "/").utf8)
            if topics.find(topic.span) < 0, makes(path, topic: topic) {
                var outcome = MessageOutcome(.unrouted)
                guard (try? bind(topic.span, at: now, &outcome)) != nil else { return nil }
                return tags.id(of: path)
            }
            levels.removeLast()
        }
        return nil
    }

    /// Whether a route makes a tag of that path.
    public func makes(_ path: TagPath) -> Bool {
        if tags.id(of: path) != nil { return true }
        let levels = path.levels
        return levels.indices.contains { last in
            makes(path, topic: Array(levels[...last].joined(separator: "/").utf8))
        }
    }

    /// Whether a route makes a device of that path.
    public func makes(device path: TagPath) -> Bool { routes.contains { $0.definition.makes(device: path) } }

    private func makes(_ path: TagPath, topic: [UInt8]) -> Bool {
        guard let topic = try? TagPath(topic: topic.span), let match = match(topic.text), !match.isPresence else {
            return false
        }
        return (try? routes[match.route].definition.tagPaths(topic: topic))?.contains(path) ?? false
    }

    /// The device of a path that the tree knows; nil when the table is full. Its route is learnt with its first
    /// message.
    public mutating func device(for path: TagPath, at now: Milliseconds) -> DeviceID? {
        guard roomForDevices > 0 || devices.id(of: path) != nil else { return nil }
        return devices.intern(path, at: now)?.id
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
        device: DeviceID, state: DeviceState, since: Milliseconds, at now: Milliseconds
    ) {
        devices.seed(device, state: state, since: since, at: now)
    }

    /// A device was removed from the tree. Its next message makes it online.
    mutating func forget(_ device: DeviceID) { devices.forget(device) }

    /// Does not hold a time against the devices in which this process could not hear them.
    public mutating func forgiveSilence(_ time: Milliseconds, at now: Milliseconds) {
        devices.forgiveSilence(time, at: now)
    }

    /// This gateway's clock has been set: nobody has been silent for a longer or shorter time by that.
    mutating func clockLeapt(by leap: Milliseconds) { devices.clockLeapt(by: leap) }

    /// Calls the devices stale that have been silent for too long, and appends them.
    public mutating func expireDevices(at now: Milliseconds, into expired: inout [DeviceID]) {
        devices.expire(at: now, into: &expired)
    }
}

extension RouteDefinition.Presence {
    /// What a presence payload says; nil when it is neither word.
    func isOnline(_ payload: borrowing Span<UInt8>) -> Bool? {
        let word: [UInt8]
        if let pointer {
            let content = payload.extracting(PayloadContent.range(of: payload))
            switch (try? SalvagedJSON(salvaging: content))?.lookUp(pointer) {
            case .scalar(.string(let text)): word = Array(text.utf8)
            case .scalar(.bool(let bool)): word = Array("\(bool)".utf8)
            case .scalar(.integer(let integer)): word = Array("\(integer)".utf8)
            case nil, .missing, .scalar, .container, .broken: return nil
            }
        } else {
            let range = PayloadContent.word(of: payload)
            word = range.map { payload[$0] }
        }
        if word == online { return true }
        return word == offline ? false : nil
    }
}
