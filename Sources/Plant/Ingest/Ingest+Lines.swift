import LineProtocol

// Messages in line protocol: every series in them is bound as a topic of its own would be.
extension Ingest {
    /// A topic of which every point is bound by itself.
    mutating func bindLines(_ match: Match, key: borrowing Span<UInt8>) throws(MessageOutcome.Refusal) -> Int {
        guard topics.hasRoom(forBytes: key.count), topics.insert(key) == bindings.count else { throw .tooManyTopics }
        bindings.append(
            Binding(
                isPresence: false, isSeries: false, route: Int32(clamping: match.route),
                device: DeviceID(rawValue: .max), firstTag: 0, tagCount: 0, isLines: true, open: -1))
        return bindings.count - 1
    }

    /// Reads the points of a message, puts the further series among the parts that are to be taken, and takes the first.
    @inline(never)
    mutating func readLines(
        _ number: Int, _ topic: borrowing Span<UInt8>, _ payload: borrowing Span<UInt8>, retained: Bool,
        receivedAt: Milliseconds, into samples: inout ContiguousArray<Sample>
    ) -> MessageOutcome {
        var outcome = MessageOutcome(.samples(0))
        outcome.topic = number
        outcome.isNewTopic = number == bindings.count - 1
        guard !payload.isEmpty else {
            tally.empty &+= 1
            outcome.result = .empty
            return outcome
        }
        guard payload.count <= limits.payloadBytes else {
            tally.undecodable &+= 1
            outcome.result = .undecodable(.payloadTooLong(bytes: payload.count))
            return outcome
        }
        let content = payload.extracting(PayloadContent.range(of: payload))
        var refusal: MessageOutcome.Refusal?
        let failure = findPoints(number, topic, content, at: receivedAt, &refusal)
        if failure == .tooManyElements(limit: limits.elements) { lines.points.removeAll(keepingCapacity: true) }
        guard !lines.points.isEmpty else {
            if let failure {
                outcome.result = .undecodable(failure)
            } else if let refusal {
                outcome.result = .refused(refusal)
            }
            return outcome
        }
        insertParts()
        var first = furtherPart(topic, payload, retained: retained, receivedAt: receivedAt, into: &samples)
        if first.flaw == nil, let failure { first.flaw = .init(tag: nil, failure: failure) }
        first.isNewTopic = first.isNewTopic || outcome.isNewTopic || !lines.new.isEmpty
        // Of all series: the tags lie one behind the other.
        if !lines.newTags.isEmpty {
            first.newTags = lines.newTags.lowerBound..<max(lines.newTags.upperBound, first.newTags.upperBound)
        }
        return first
    }

    /// Fills `lines`; gives the first mistake.
    private mutating func findPoints(
        _ number: Int, _ topic: borrowing Span<UInt8>, _ content: borrowing Span<UInt8>, at now: Milliseconds,
        _ refusal: inout MessageOutcome.Refusal?
    ) -> DecodeFailure? {
        lines.removeAll()
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
                return .tooManyElements(limit: limits.elements)
            }
            lines.makeKey(topic, content)
            var series = topics.find(lines.key.span)
            if series < 0 {
                guard ignored.place(of: lines.key.span) == .unknown else { continue }
                let key = lines.key
                do throws(MessageOutcome.Refusal) {
                    series = try bindSeries(number, content, at: now)
                } catch {
                    count(error)
                    refusal = refusal ?? error
                    switch error {
                    // What is written so is refused whenever it comes.
                    case .path, .device, .own, .missingName, .sameTags: ignored.insert(key.span, nil)
                    case .tooManyTopics, .tooManyTags, .tooManyDevices: break
                    }
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

    /// Binds the series of the point that has just been read.
    private mutating func bindSeries(
        _ number: Int, _ content: borrowing Span<UInt8>, at now: Milliseconds
    ) throws(MessageOutcome.Refusal) -> Int {
        let route = Int(bindings[number].route)
        let definition = routes[route].definition
        let topic = lines.key.prefix { $0 != 0 }
        let topicText = String(decoding: topic, as: UTF8.self)
        let (names, levels) = lines.names(in: content)
        // A name of the topic goes before a tag that is called the same.
        let captures = names.merging(definition.topic.match(topicText) ?? [:]) { _, ofTopic in ofTopic }
        for name in definition.device.names + (definition.lineTag?.names ?? []) where captures[name] == nil {
            throw .missingName(name)
        }
        let base: TagPath
        do {
            let path = try TagPath(topicText + "/" + levels.joined(separator: "/"))
            base = try definition.tagBase(topic: path, captures)
        } catch {
            throw .path(error)
        }
        guard !lineBases.contains(base) else { throw .sameTags(base) }
        let match = Match(route: route, isPresence: false, captures: captures)
        var outcome = MessageOutcome(.empty)
        outcome.newTags = lines.newTags
        let key = lines.key
        let series = try bind(base, match, key: key.span, at: now, &outcome)
        lineBases.insert(base)
        lines.new[series] = outcome.isNewDevice
        lines.newTags = outcome.newTags
        return series
    }

    /// Puts the points in the order of their series and times, and their series among the parts.
    private mutating func insertParts() {
        lines.points.sort { left, right in
            (left.topic, left.time ?? .max, left.position) < (right.topic, right.time ?? .max, right.position)
        }
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
            first = index + 1
            place += 1
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
        let first = samples.count
        var failure: DecodeFailure?
        let unit = routes[Int(bindings[part.topic].route)].definition.timeUnit
        for index in part.points {
            let point = lines.points[index]
            do throws(DecodeFailure) {
                try decode(point, content, part.topic, at: receivedAt, &outcome)
                let time: PayloadDecoder.Time =
                    point.time.map { SourceTime.milliseconds($0, unit).map { .at($0) } ?? .unreadable } ?? .none
                emit(
                    bindings[part.topic], time, retained: retained, receivedAt: receivedAt, into: &samples, &outcome)
            } catch {
                failure = failure ?? error
                tally.undecodable &+= 1
            }
        }
        if samples.count == first, let failure {
            fail(
                failure, bindings[part.topic], retained: retained, receivedAt: receivedAt, into: &samples, &outcome)
        } else {
            if outcome.flaw == nil, let failure { outcome.flaw = .init(tag: nil, failure: failure) }
            outcome.isSeries = part.points.count > 1
            outcome.sourceTime = Self.newestTime(in: samples, from: first)
            outcome.result = .samples(samples.count - first)
        }
        if outcome.isNewDevice, outcome.deviceState == nil {
            outcome.deviceState = devices.state(of: bindings[part.topic].device).state
        }
        return outcome
    }

    /// Reads one point, and learns what is new in it.
    private mutating func decode(
        _ point: LineBatch.Point, _ content: borrowing Span<UInt8>, _ topic: Int, at now: Milliseconds,
        _ outcome: inout MessageOutcome
    ) throws(DecodeFailure) {
        for isAgain in [false, true] {
            let binding = bindings[topic]
            try decoder(of: binding).decode(
                lines.fields[point.fields], in: content, tags: boundTags, from: Int(binding.firstTag), limits: limits,
                workspace: &workspace)
            if workspace.news.isEmpty { return }
            guard !isAgain else { break }
            learn(topic, at: now, &outcome)
        }
        workspace.news = []
        throw .missing
    }
}
