import JSON

/// From messages to samples: the first part of "Life of a sample".
///
/// A value type for one owner; the shell hands in messages one by one, a batch under one lock, and gets samples
/// appended to its own array. The first message on a topic finds its route and numbers its tags and its device. Every
/// later one is a look-up of the topic's bytes, a scan of the payload, and a few stores; it allocates nothing unless a
/// value is long text.
///
/// Routes are asked in order: first whether a topic is a presence topic of any of them, then whose topic it is. The
/// first that matches takes it, and where that one continues, so do those after it: see ``MessagePart``. Topics that no route takes have a memory of their own, see ``UnroutedTopics``.
public struct Ingest: Sendable {
    /// What a topic is bound to.
    struct Binding: Sendable {
        var isPresence: Bool
        /// Whether its messages have several samples of their values.
        var hasElements: Bool
        var route: Int32
        var device: DeviceID
        var firstTag: Int32
        var tagCount: Int32
        /// Whether its messages are points of line protocol, each of which is bound as a topic of its own.
        var isLines = false
        /// Whether this series of points makes its tags bad, because another one would have the same.
        var isRefused = false
        /// The edge node whose messages come on the topic, of `edgeNodes`; -1 for what is not Sparkplug B.
        var edge: Int32 = -1
        /// The further topic that the same messages count for, by another route; -1 without one.
        var next: Int32 = -1
        /// Of `openTopics`; -1 when all values of the route are known beforehand.
        var open: Int32
    }

    /// A topic whose values are learnt from its messages.
    struct OpenTopic: Sendable {
        /// What its tags have their names below.
        let tagBase: TagPath
        var learnt = LearntValues()
        var decoder: PayloadDecoder
        /// Whether the decoder knows all that has been learnt. The next message has it made again.
        var isDecoderCurrent = true
        /// How many tags its place in `boundTags` has room for.
        var capacity: Int
    }

    /// A topic that has got further tags.
    struct GrownTopic: Sendable {
        let number: Int
        /// How many it had before.
        let known: Int
    }

    struct Route: Sendable {
        let definition: RouteDefinition
        let decoder: PayloadDecoder
    }

    public internal(set) var tags: TagTable
    public internal(set) var devices: DeviceTable
    var tally = IngestCounters()
    /// What happened to the messages so far.
    public var counters: IngestCounters {
        var counters = tally
        counters.slowlyRead = workspace.slowlyRead
        return counters
    }
    /// Messages that no route takes, by the beginnings of their topics.
    public internal(set) var unrouted: UnroutedTopics
    public let limits: IngestLimits
    /// By how much this gateway's clock has been set back since the start: times of devices that keep their clock do
    /// not lie ahead because of that.
    public var clockSetBack: Milliseconds = 0

    let routes: ContiguousArray<Route>
    /// The topics of the routes, as filters.
    let filters: ContiguousArray<TopicFilter>
    /// The presence topics on which any payload, even none, is a heartbeat, as filters.
    let wordlessBeats: ContiguousArray<TopicFilter>
    /// Of the routes that give tags names of their own.
    let tagTemplates: [TagTemplate]
    var topics: TopicTable
    var bindings: ContiguousArray<Binding> = []
    var boundTags: ContiguousArray<BoundTag> = []
    var openTopics: ContiguousArray<OpenTopic> = []
    /// Topics that have got further tags, until somebody takes note.
    var grownTopics: [GrownTopic] = []
    /// Tags that the tree has told of and no message has claimed: whose they are is a guess.
    var unclaimed: Set<TagID> = []
    /// The routes, by number, that the tree names for devices and that make them.
    var recordedRoutes: [DeviceID: Int] = [:]
    /// Tags that have turned out to be another device's, or to have another unit or deadband, until somebody takes note.
    var rehomedTags: [TagID] = []
    /// The bytes of all places that were learnt.
    var learntBytes = 0
    /// Topics that say nothing.
    var ignored: TopicMemory
    let numericTags: NumericTags
    /// Tags and devices of Linekeeper's own, which take no room from the plant's.
    var ownTagCount = 0
    var ownDeviceCount = 0
    var workspace = PayloadDecoder.Workspace()
    /// What the last message counts for besides, from ``nextPart`` on.
    var parts: ContiguousArray<MessagePart> = []
    var nextPart = 0
    /// Of the last message with several samples.
    var elements: ContiguousArray<PayloadElement> = []
    /// Of the last message in line protocol.
    var lines = LineBatch()
    /// What the tags of points have their names below, with the number of their series: no two of a route may have the same.
    var lineBases: [LineBatch.Base: Int] = [:]
    var edgeNodes: EdgeNodes
    /// Of edge nodes.
    var deviceFamilies = DeviceFamilies()
    /// Tags whose metrics have lost their values, until somebody takes note.
    var staleTags: [TagID] = []

    /// - Parameters:
    ///   - rules: what the configuration says about tags beside their routes.
    ///   - alarms: the tags that alarms watch; with `rules` they tell which tags have numbers.
    ///   - observation: what ``observed(_:)`` hears of, and what it does not count.
    ///   - hashSeed: random in a running gateway: it keeps publishers from choosing topics that collide.
    public init(
        routes: [RouteDefinition], rules: TagRules = TagRules(), alarms: [TopicFilter] = [],
        limits: IngestLimits = .init(), observation: Observation = .init(), hashSeed: UInt64 = 0
    ) {
        numericTags = NumericTags(rules: rules, alarms: alarms)
        self.routes = ContiguousArray(routes.map { Route(definition: $0, decoder: PayloadDecoder($0)) })
        tagTemplates = routes.compactMap(\.tag)
        filters = ContiguousArray(routes.flatMap(\.topicFilters))
        wordlessBeats = ContiguousArray(
            routes.compactMap(\.presence).filter { $0.online == nil }.map(\.topic.subscriptionFilter))
        unrouted = UnroutedTopics(observation, hashSeed: hashSeed)
        ignored = TopicMemory(hashSeed: hashSeed)
        self.limits = limits
        tags = TagTable(limit: limits.tags + GatewayFault.mostGateways * GatewayFault.mostKinds)
        devices = DeviceTable(limit: limits.devices + GatewayFault.mostGateways)
        edgeNodes = EdgeNodes(limits: limits.edgeNodes, seed: hashSeed)
        topics = TopicTable(limit: limits.topics, byteLimit: limits.topicBytes, seed: hashSeed)
    }

    /// The topics that are remembered.
    public var topicCount: Int { topics.count }

    /// Tables that take nothing more, in words.
    public var fullTables: [String] {
        [
            topics.hasRoom(forBytes: 1) ? nil : "topics (\(topics.count))",
            roomForTags > 0 ? nil : "tags (\(tags.count - ownTagCount))",
            learntBytes < limits.learntBytes ? nil : "learnt values (\(learntBytes) bytes)",
            roomForDevices > 0 ? nil : "devices (\(devices.count - ownDeviceCount))",
            edgeNodes.isFull ? "edge nodes (\(edgeNodes.count), \(edgeNodes.footprint) bytes)" : nil,
        ].compactMap { $0 }
    }

    var roomForTags: Int { limits.tags - (tags.count - ownTagCount) }

    var roomForDevices: Int { limits.devices - (devices.count - ownDeviceCount) }

    /// The tags of a topic, by its number.
    public func tags(ofTopic number: Int) -> some RandomAccessCollection<TagID> {
        let first = Int(bindings[number].firstTag)
        return boundTags[first..<first + Int(bindings[number].tagCount)].lazy.map(\.tag)
    }

    /// Whether topics have got further tags since ``takeGrownTopics()``.
    var hasGrownTopics: Bool { !grownTopics.isEmpty }

    /// The topics that have got further tags.
    mutating func takeGrownTopics() -> [GrownTopic] {
        defer { grownTopics = [] }
        return grownTopics
    }

    /// The tags that have got another device, and shard, or another unit or deadband.
    mutating func takeRehomedTags() -> [TagID] {
        defer { rehomedTags = [] }
        return rehomedTags
    }

    /// The route of a topic's samples, by its number; nil when the topic is one of presence.
    public func route(ofTopic number: Int) -> RouteDefinition? {
        bindings[number].isPresence ? nil : routes[Int(bindings[number].route)].definition
    }

    /// Takes one message, or the first part of it: see ``hasFurtherParts``. `receivedAt` is the wall clock of the reception.
    public mutating func message(
        topic: borrowing Span<UInt8>, payload: borrowing Span<UInt8>, retained: Bool, receivedAt: Milliseconds,
        into samples: inout ContiguousArray<Sample>
    ) -> MessageOutcome {
        tally.messages &+= 1
        let number = topics.find(topic)
        if number >= 0 {
            var outcome = MessageOutcome(.empty)
            outcome.topic = number
            if bindings[number].next >= 0 { noteParts(after: number) }
            if bindings[number].isLines {
                readLines(topic, payload, retained: retained, receivedAt: receivedAt, into: &samples, &outcome)
                return outcome
            }
            if bindings[number].edge >= 0 {
                readEdge(topic, payload, retained: retained, receivedAt: receivedAt, into: &samples, &outcome)
                return outcome
            }
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
        if payload.isEmpty, retained || !isBeatWithoutWord(topic) {
            tally.empty &+= 1
            outcome.result = .empty
            return outcome
        }
        if ignored.place(of: topic) != .unknown {
            tally.ignored &+= 1
            outcome.result = .ignored
            return outcome
        }
        if unrouted.heardAgain(topic) {
            tally.unrouted &+= 1
            return outcome
        }
        do {
            guard let number = try bind(topic, at: receivedAt, &outcome) else {
                if outcome.result == .ignored {
                    tally.ignored &+= 1
                } else {
                    tally.unrouted &+= 1
                    unrouted.heard(topic)
                }
                return outcome
            }
            outcome.topic = number
        } catch {
            count(error)
            outcome.result = .refused(error)
            return outcome
        }
        outcome.isNewTopic = true
        if bindings[outcome.topic].isLines {
            readLines(topic, payload, retained: retained, receivedAt: receivedAt, into: &samples, &outcome)
            return outcome
        }
        if bindings[outcome.topic].edge >= 0 {
            readEdge(topic, payload, retained: retained, receivedAt: receivedAt, into: &samples, &outcome)
            return outcome
        }
        readFirst(payload, retained: retained, receivedAt: receivedAt, into: &samples, &outcome)
        return outcome
    }

    /// Reads what comes first on a topic that is new.
    mutating func readFirst(
        _ payload: borrowing Span<UInt8>, retained: Bool, receivedAt: Milliseconds,
        into samples: inout ContiguousArray<Sample>, _ outcome: inout MessageOutcome
    ) {
        let binding = bindings[outcome.topic]
        read(payload, binding, retained: retained, receivedAt: receivedAt, into: &samples, &outcome)
        noteNewDevice(at: receivedAt, &outcome)
    }

    /// A device that is heard of for the first time, and not live, has the state of one that nobody has heard yet.
    mutating func noteNewDevice(at now: Milliseconds, _ outcome: inout MessageOutcome) {
        guard outcome.isNewDevice, outcome.deviceState == nil, let device = outcome.device else { return }
        devices.watch(device, at: now)
        outcome.deviceState = devices.state(of: device).state
    }

    mutating func count(_ refusal: MessageOutcome.Refusal) {
        switch refusal {
        case .path, .device, .own, .missingName, .sameTags, .refusedBefore, .sparkplug: tally.refusedTopics &+= 1
        case .tooManyTopics, .tooManyTags, .tooManyDevices, .tooManyEdgeNodes: tally.tableFull &+= 1
        }
    }

    @inline(__always)
    mutating func read(
        _ payload: borrowing Span<UInt8>, _ binding: Binding, retained: Bool, receivedAt: Milliseconds,
        into samples: inout ContiguousArray<Sample>, _ outcome: inout MessageOutcome
    ) {
        outcome.device = binding.device
        if payload.isEmpty, retained || !isBeatWithoutWord(binding) {
            tally.empty &+= 1
            outcome.result = .empty
            return
        }
        if binding.isPresence {
            readPresence(payload, binding, retained: retained, receivedAt: receivedAt, &outcome)
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
        if binding.hasElements {
            readElements(payload, binding, retained: retained, receivedAt: receivedAt, into: &samples, &outcome)
            return
        }
        do throws(DecodeFailure) {
            var binding = binding
            let time = try decode(payload, &binding, receivedAt: receivedAt, &outcome)
            emit(binding, time, retained: retained, receivedAt: receivedAt, into: &samples, &outcome)
        } catch {
            fail(error, binding, retained: retained, receivedAt: receivedAt, into: &samples, &outcome)
        }
    }

    /// Reads a document, and learns what is new in it.
    @inline(__always)
    mutating func decode(
        _ payload: borrowing Span<UInt8>, _ binding: inout Binding, mayLearn: Bool = true, receivedAt: Milliseconds,
        _ outcome: inout MessageOutcome
    ) throws(DecodeFailure) -> PayloadDecoder.Time {
        let time = try decode(payload, binding)
        if workspace.news.isEmpty { return time }
        guard mayLearn else {
            workspace.news = []
            throw DecodeFailure.tooManyValues(Int(binding.tagCount))
        }
        learn(outcome.topic, at: receivedAt, &outcome)
        binding = bindings[outcome.topic]
        let again = try decode(payload, binding)
        // All of it has been learnt, or nothing is learnt any more.
        guard workspace.news.isEmpty else {
            workspace.news = []
            throw DecodeFailure.missing
        }
        return again
    }

    @inline(__always)
    private mutating func decode(
        _ payload: borrowing Span<UInt8>, _ binding: Binding
    ) throws(DecodeFailure) -> PayloadDecoder.Time {
        try decoder(of: binding).decode(
            payload, tags: boundTags, from: Int(binding.firstTag), limits: limits, workspace: &workspace)
    }

    /// Reads what comes on a topic, with what the topic has learnt.
    @inline(__always)
    mutating func decoder(of binding: Binding) -> PayloadDecoder {
        let open = Int(binding.open)
        if open < 0 { return routes[Int(binding.route)].decoder }
        if !openTopics[open].isDecoderCurrent {
            openTopics[open].decoder = PayloadDecoder(
                routes[Int(binding.route)].definition, learnt: openTopics[open].learnt)
            openTopics[open].isDecoderCurrent = true
        }
        return openTopics[open].decoder
    }

    /// Appends what has been read of a document.
    @inline(__always)
    mutating func emit(
        _ binding: Binding, _ time: PayloadDecoder.Time, retained: Bool, receivedAt: Milliseconds,
        into samples: inout ContiguousArray<Sample>, _ outcome: inout MessageOutcome
    ) {
        var sourceTime: Milliseconds?
        var quality = retained ? Quality.uncertain : .good
        switch moment(time, binding, receivedAt: receivedAt) {
        case .none, .local: break
        case .unreadable:
            tally.unreadableTimes &+= 1
            quality = .uncertain
            outcome.flaw = .init(tag: nil, failure: .invalidTime)
        case .at(let time):
            if isPlausible(time, receivedAt: receivedAt) {
                sourceTime = time
                if retained { quality = retainedQuality(binding, sourceTime: time, receivedAt: receivedAt) }
            } else {
                tally.implausibleTimes &+= 1
                quality = .uncertain
            }
        }
        if workspace.quality == .bad { outcome.flaw = .init(tag: nil, failure: .calledBad) }
        var count = 0
        for position in 0..<Int(binding.tagCount) {
            let tag = boundTags[Int(binding.firstTag) &+ position].tag
            let verdict =
                workspace.ownQualities.isEmpty
                ? workspace.quality : max(workspace.quality, workspace.ownQualities[position])
            let isBad = verdict == .bad
            switch workspace.readings[position] {
            case .value(let value):
                if isBad, outcome.flaw == nil { outcome.flaw = .init(tag: tag, failure: .calledBad) }
                // A value that its sender calls bad is none.
                var sample = Sample(
                    tag: tag, value: isBad ? nil : value, quality: isBad ? .bad : quality, sourceTime: sourceTime,
                    receivedTime: receivedAt, isRetained: retained)
                sample.isCalledUncertain = verdict == .uncertain
                samples.append(sample)
            case .absent:
                continue
            case .unusable(let failure):
                tally.undecodable &+= 1
                // `null` is the sender's own word for having no value: the tag's quality says it.
                if failure != .null, !isBad, outcome.flaw?.tag == nil || outcome.flaw?.failure == .calledBad {
                    outcome.flaw = .init(tag: tag, failure: failure)
                }
                samples.append(
                    Sample(
                        tag: tag, value: nil, quality: .bad, sourceTime: sourceTime, receivedTime: receivedAt,
                        isRetained: retained))
            }
            count &+= 1
        }
        tally.samples &+= UInt64(truncatingIfNeeded: count)
        outcome.sourceTime = sourceTime
        outcome.result = .samples(count)
    }

    /// Whether a device's own time may be believed at all.
    @inline(__always)
    func isPlausible(_ time: Milliseconds, receivedAt: Milliseconds) -> Bool {
        time >= limits.earliestTime && time &- receivedAt <= limits.clockLead &+ clockSetBack
    }

    /// Which moment a local time was.
    @inline(__always)
    private func moment(
        _ time: PayloadDecoder.Time, _ binding: Binding, receivedAt: Milliseconds
    ) -> PayloadDecoder.Time {
        guard case .local(let local) = time, let zone = routes[Int(binding.route)].definition.timeZone else {
            return time
        }
        return .at(zone.moment(ofLocal: local, latest: receivedAt &+ limits.clockLead &+ clockSetBack))
    }

    /// A kept value with its own time is as good as it is young.
    private func retainedQuality(_ binding: Binding, sourceTime: Milliseconds, receivedAt: Milliseconds) -> Quality {
        guard let limit = routes[Int(binding.route)].definition.staleAfter else { return .good }
        return receivedAt &- sourceTime > limit ? .stale : .good
    }

    /// Appends bad samples of all tags.
    @inline(never)
    mutating func fail(
        _ failure: DecodeFailure, _ binding: Binding, retained: Bool, receivedAt: Milliseconds,
        into samples: inout ContiguousArray<Sample>, _ outcome: inout MessageOutcome
    ) {
        tally.undecodable &+= 1
        tally.samples &+= UInt64(binding.tagCount.magnitude)
        for position in 0..<Int(binding.tagCount) {
            samples.append(
                Sample(
                    tag: boundTags[Int(binding.firstTag) &+ position].tag, value: nil, quality: .bad,
                    receivedTime: receivedAt,
                    isRetained: retained))
        }
        outcome.result = .undecodable(failure)
    }

    @inline(never)
    private mutating func readPresence(
        _ payload: borrowing Span<UInt8>, _ binding: Binding, retained: Bool, receivedAt: Milliseconds,
        _ outcome: inout MessageOutcome
    ) {
        guard payload.count <= limits.payloadBytes, let rule = routes[Int(binding.route)].definition.presence,
            let isOnline = rule.isOnline(payload)
        else {
            tally.undecodable &+= 1
            outcome.result = .undecodable(.unknownPresence)
            return
        }
        tally.presence &+= 1
        if retained, isOnline, rule.heartbeat != nil {
            // The broker's memory is no heartbeat.
            outcome.result = .keptHeartbeat
            return
        }
        outcome.result = .presence(isOnline: isOnline)
        switch devices.presence(binding.device, isOnline: isOnline, isKept: retained, at: receivedAt) {
        case .counts(let state): outcome.deviceState = state
        case .lostAgain: outcome.isDeviceLostAgain = true
        case nil: break
        }
    }
}
