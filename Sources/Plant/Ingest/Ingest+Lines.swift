import LineProtocol

// Messages in line protocol: every series in them is bound as a topic of its own would be.
extension Ingest {
    /// A topic of which every point is bound by itself.
    mutating func bindLines(_ match: Match, key: borrowing Span<UInt8>) throws(MessageOutcome.Refusal) -> Int {
        guard topics.hasRoom(forBytes: key.count), topics.insert(key) == bindings.count else { throw .tooManyTopics }
        bindings.append(
            Binding(
                isPresence: false, hasElements: false, route: Int32(clamping: match.route),
                device: DeviceID(rawValue: .max), firstTag: 0, tagCount: 0, isLines: true, open: -1))
        return bindings.count - 1
    }

    /// Reads the points of a message, puts their series among the parts that are to be taken, and takes the first.
    ///
    /// - Parameter outcome: tells of the topic what is known of it; whatever becomes of the points, it has the tags of all
    ///   that is new.
    @inline(never)
    mutating func readLines(
        _ topic: borrowing Span<UInt8>, _ payload: borrowing Span<UInt8>, retained: Bool, receivedAt: Milliseconds,
        into samples: inout ContiguousArray<Sample>, _ outcome: inout MessageOutcome
    ) {
        let number = outcome.topic
        guard !payload.isEmpty else {
            tally.empty &+= 1
            outcome.result = .empty
            return
        }
        guard payload.count <= limits.payloadBytes else {
            tally.undecodable &+= 1
            outcome.result = .undecodable(.payloadTooLong(bytes: payload.count))
            return
        }
        let range = PayloadContent.range(of: payload)
        let content = payload.extracting(range)
        lines.removeAll()
        lines.newTags = outcome.newTags
        let failure = findPoints(number, topic, content, at: receivedAt)?.advanced(by: range.lowerBound)
        outcome.newTags = lines.newTags
        outcome.isNewTopic = outcome.isNewTopic || !lines.new.isEmpty
        guard !lines.points.isEmpty else {
            outcome.result = failure.map { .undecodable($0) } ?? .samples(0)
            return
        }
        insertParts()
        var first = furtherPart(topic, payload, retained: retained, receivedAt: receivedAt, into: &samples)
        if first.flaw == nil, let failure { first.flaw = .init(tag: nil, failure: failure) }
        first.isNewTopic = first.isNewTopic || outcome.isNewTopic
        // The tags of all series lie one behind the other, and those that the first has learnt behind them.
        if !outcome.newTags.isEmpty {
            first.newTags =
                outcome.newTags.lowerBound..<max(outcome.newTags.upperBound, first.newTags.upperBound)
        }
        outcome = first
    }

    /// Fills `lines`; gives the first mistake. With too many points it gives none of them.
    private mutating func findPoints(
        _ number: Int, _ topic: borrowing Span<UInt8>, _ content: borrowing Span<UInt8>, at now: Milliseconds
    ) -> DecodeFailure? {
        var failure: DecodeFailure?
        while true {
            do throws(LineProtocolError) {
                guard try lines.scanner.next(content) else { return failure }
            } catch {
                tally.undecodable &+= 1
                failure = failure ?? .line(error)
                continue
            }
            guard lines.points.count < limits.elements else {
                tally.undecodable &+= 1
                lines.points.removeAll(keepingCapacity: true)
                return .tooManyElements(limit: limits.elements)
            }
            lines.makeKey(topic, of: number, content)
            var series = topics.find(lines.key.span)
            if series < 0 {
                do throws(MessageOutcome.Refusal) {
                    guard let bound = try bindSeries(number, content, at: now) else { continue }
                    series = bound
                } catch {
                    count(error)
                    failure = failure ?? .refused(error)
                    continue
                }
            }
            let first = lines.fields.count
            lines.fields.append(contentsOf: lines.scanner.fields)
            lines.points.append(
                LineBatch.Point(
                    topic: series, time: lines.scanner.time, fields: first..<lines.fields.count,
                    position: lines.points.count))
        }
    }

    /// Binds the series of the point that has just been read; nil when the route means nothing of it.
    private mutating func bindSeries(
        _ number: Int, _ content: borrowing Span<UInt8>, at now: Milliseconds
    ) throws(MessageOutcome.Refusal) -> Int? {
        let key = lines.key
        if ignored.place(of: key.span) != .unknown { throw .refusedBefore }
        guard topics.hasRoom(forBytes: key.count) else { throw .tooManyTopics }
        let route = Int(bindings[number].route)
        let definition = routes[route].definition
        guard lines.hasField(of: routes[route].decoder.fields, isAnyTaken: !definition.wildcards.isEmpty, in: content)
        else { return nil }
        do throws(MessageOutcome.Refusal) {
            let (base, captures) = try lines.names(of: definition, in: content)
            if let other = lineBases[LineBatch.Base(route: route, path: base)] {
                // Which of the two has come first is another thing at every gateway: neither has the tags.
                bindings[other].isRefused = true
                throw .sameTags(base)
            }
            let match = Match(route: route, isPresence: false, captures: captures)
            var outcome = MessageOutcome(.empty)
            outcome.newTags = lines.newTags
            let series = try bind(base, match, isSeries: true, key: key.span, at: now, &outcome)
            lineBases[LineBatch.Base(route: route, path: base)] = series
            lines.new[series] = outcome.isNewDevice
            lines.newTags = outcome.newTags
            return series
        } catch {
            switch error {
            // What is written so is refused whenever it comes.
            case .path, .device, .own, .missingName, .sameTags: ignored.insert(key.span, nil)
            case .tooManyTopics, .tooManyTags, .tooManyDevices, .tooManyEdgeNodes, .refusedBefore, .sparkplug: break
            }
            throw error
        }
    }

    /// Puts the points in the order of their series, and their series among the parts.
    private mutating func insertParts() {
        lines.points.sort { left, right in (left.topic, left.position) < (right.topic, right.position) }
        var first = 0
        var place = nextPart
        for index in lines.points.indices {
            let topic = lines.points[index].topic
            guard index + 1 == lines.points.count || lines.points[index + 1].topic != topic else { continue }
            let isNewDevice = lines.new[topic]
            parts.insert(
                MessagePart(
                    topic: topic, points: first..<index + 1, isNew: isNewDevice != nil,
                    isNewDevice: isNewDevice ?? false), at: place)
            place += 1
            first = index + 1
        }
    }

    /// Takes the points of one series, in the order of their times; those without one come last.
    mutating func readPoints(
        _ part: MessagePart, _ payload: borrowing Span<UInt8>, retained: Bool, receivedAt: Milliseconds,
        into samples: inout ContiguousArray<Sample>
    ) -> MessageOutcome {
        let content = payload.extracting(PayloadContent.range(of: payload))
        var outcome = MessageOutcome(.samples(0))
        outcome.topic = part.topic
        outcome.isNewTopic = part.isNew
        outcome.isNewDevice = part.isNewDevice
        outcome.device = bindings[part.topic].device
        if !retained { outcome.deviceState = devices.heard(bindings[part.topic].device, at: receivedAt) }
        if bindings[part.topic].isRefused {
            // What it had does not stay good.
            fail(
                .refused(.sameTags(nil)), bindings[part.topic], retained: retained, receivedAt: receivedAt,
                into: &samples, &outcome)
            return outcome
        }
        let first = samples.count
        let unit = routes[Int(bindings[part.topic].route)].definition.timeUnit
        for index in part.points {
            let point = lines.points[index]
            decode(point, content, part, at: receivedAt, &outcome)
            let time: PayloadDecoder.Time =
                point.time.map { SourceTime.milliseconds($0, unit).map { .at($0) } ?? .unreadable } ?? .none
            emit(bindings[part.topic], time, retained: retained, receivedAt: receivedAt, into: &samples, &outcome)
        }
        outcome.isBatch = part.points.count > 1
        outcome.sourceTime = Self.newestTime(in: samples, from: first)
        outcome.result = .samples(samples.count - first)
        if outcome.isBatch { Self.sort(&samples, from: first) }
        noteNewDevice(at: receivedAt, &outcome)
        return outcome
    }

    /// Reads one point. What is new in it is learnt together with what is new in the other points of its series: whatever a
    /// message has, a series gets one new decoder by it.
    private mutating func decode(
        _ point: LineBatch.Point, _ content: borrowing Span<UInt8>, _ part: MessagePart, at now: Milliseconds,
        _ outcome: inout MessageOutcome
    ) {
        if read(point, content, part.topic) { return }
        let open = Int(bindings[part.topic].open)
        let route = routes[Int(bindings[part.topic].route)].definition
        var fields: [LineProtocolField] = []
        for point in lines.points[part.points] { fields += lines.fields[point.fields] }
        workspace.news = openTopics[open].learnt.news(
            in: PayloadDecoder.document(fields, in: content), wildcards: route.wildcards, others: route.namedPlaces,
            limit: limits.learntPerTopic)
        learn(part.topic, at: now, &outcome)
        // All of it has been learnt, or nothing is learnt any more.
        _ = read(point, content, part.topic)
    }

    /// False when the point has something that is to be learnt.
    private mutating func read(
        _ point: LineBatch.Point, _ content: borrowing Span<UInt8>, _ topic: Int
    ) -> Bool {
        let binding = bindings[topic]
        return decoder(of: binding).decode(
            lines.fields[point.fields], in: content, tags: boundTags, from: Int(binding.firstTag), limits: limits,
            workspace: &workspace)
    }
}
