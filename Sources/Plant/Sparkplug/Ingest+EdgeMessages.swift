import SparkplugB

// From messages of edge nodes to what they say of their devices.
extension Ingest {
    /// Whether tags have lost their values since ``takeStaleTags()``.
    @inline(__always)
    var hasStaleTags: Bool { !staleTags.isEmpty }

    /// Tags that have no value any more.
    mutating func takeStaleTags() -> [TagID] {
        defer { staleTags = [] }
        return staleTags
    }

    /// Reads a message of an edge node, puts what it releases among the parts that are to be taken, and takes the first.
    ///
    /// - Parameter outcome: tells of the topic what is known of it; whatever becomes of the parts, it has the tags of all that is
    ///   new.
    @inline(never)
    mutating func readEdge(
        _ topic: borrowing Span<UInt8>, _ payload: borrowing Span<UInt8>, retained: Bool, receivedAt: Milliseconds,
        into samples: inout ContiguousArray<Sample>, _ outcome: inout MessageOutcome
    ) {
        let edge = Int(bindings[outcome.topic].edge)
        guard !payload.isEmpty else {
            tally.empty &+= 1
            outcome.result = .empty
            return
        }
        // An edge node retains nothing: what the broker has kept was published by somebody else, or in another session.
        guard !retained, case .edge(let parsed)? = try? SparkplugTopic(topic) else {
            tally.ignored &+= 1
            outcome.result = .ignored
            return
        }
        guard payload.count <= limits.payloadBytes else {
            tally.undecodable &+= 1
            outcome.result = .undecodable(.payloadTooLong(bytes: payload.count))
            return
        }
        edgeNodes.received(
            edge, parsed.type, device: topic.extracting(parsed.device ?? 0..<0), payload, at: receivedAt)
        let firstNew = tags.count
        var failure: DecodeFailure?
        let place = nextPart
        let count = release(from: edge, before: place, &failure)
        let newTags = firstNew..<tags.count
        guard count > 0 else {
            outcome.newTags = newTags
            outcome.result = failure.map { .undecodable($0) } ?? .samples(0)
            if failure == nil, let reason = edgeNodes[edge].session.missingBirth {
                outcome.flaw = .init(tag: nil, failure: .birthNeeded(reason))
            }
            return
        }
        var first = furtherPart(topic, payload, retained: false, receivedAt: receivedAt, into: &samples)
        if first.flaw == nil, let failure { first.flaw = .init(tag: nil, failure: failure) }
        first.isNewTopic = first.isNewTopic || outcome.isNewTopic || !newTags.isEmpty
        first.newTags = newTags
        outcome = first
    }

    /// Lets time pass for the edge nodes; what that releases is among the parts that are to be taken. Returns the new tags.
    mutating func advanceEdgeNodes(to now: Milliseconds) -> Range<Int> {
        let firstNew = tags.count
        var failure: DecodeFailure?
        for edge in edgeNodes.due(at: now) {
            edgeNodes.advance(edge, to: now)
            release(from: edge, before: parts.count, &failure)
        }
        return firstNew..<tags.count
    }

    /// The same for the loss of the connection to the broker.
    mutating func edgeNodesLost(at now: Milliseconds) -> Range<Int> {
        let firstNew = tags.count
        var failure: DecodeFailure?
        for edge in 0..<edgeNodes.count {
            edgeNodes.connectionLost(edge, at: now)
            release(from: edge, before: parts.count, &failure)
        }
        return firstNew..<tags.count
    }

    /// Makes parts of what a session has said. Returns how many.
    ///
    /// - Parameters:
    ///   - place: where they stand among the parts that are to be taken.
    ///   - failure: the first thing that could not be taken.
    @discardableResult
    private mutating func release(
        from edge: Int, before place: Int, _ failure: inout DecodeFailure?
    ) -> Int {
        if !hasFurtherParts { edgeNodes.removeReleased() }
        let first = edgeNodes.releases.count
        var events: ContiguousArray<EdgeNodeEvent> = []
        swap(&events, &edgeNodes.events)
        for event in events {
            switch event {
            case .stateChanged(let device, let state, _, let receivedAt):
                let moment = edgeNodes.wall(receivedAt)
                guard state != .unborn, state == .online || isKnown(device, of: edge),
                    let (topic, isNew) = topic(of: device, edge, isBorn: state == .online, at: moment)
                else { continue }
                edgeNodes.release(state, of: topic, isNewDevice: isNew, at: moment)
                if device == .node, state != .online { releaseUnborn(of: edge, state, topic: topic, at: moment) }
                if state != .online { giveBack(tagsOf: bindings[topic].device, of: edge) }
            case .sample(let sample): release(sample, from: edge, since: first, &failure)
            case .tagStale(let tag, let receivedAt):
                guard case .bound(let tag, let topic) = edgeNodes[edge].tags[Int(tag.rawValue)] else { continue }
                // Another device has it now.
                if edgeNodes[edge].isContested, tags[tag.tag].device != bindings[topic].device { continue }
                giveBack(tag.tag, of: edge)
                edgeNodes.release(stale: tag.tag, of: topic, at: edgeNodes.wall(receivedAt), from: first)
            case .birthsOver(let moment): releaseUnnamed(of: edge, at: edgeNodes.wall(moment), from: first)
            case .rebirthNeeded: edgeNodes.rebirthIsDue(edge)
            case .refused(_, let name, let refusal):
                tally.undecodable &+= 1
                failure = failure ?? .metric(name: name, refusal)
            case .unreadable(_, let error):
                tally.undecodable &+= 1
                failure = failure ?? .sparkplug(error)
            }
        }
        events.removeAll(keepingCapacity: true)
        swap(&events, &edgeNodes.events)
        let count = edgeNodes.releases.count - first
        parts.insert(
            contentsOf: (first..<first + count).map { release in
                MessagePart(
                    topic: edgeNodes.releases[release].topic, release: release,
                    isNewDevice: edgeNodes.releases[release].isNewDevice)
            }, at: min(place, parts.count))
        return count
    }

    private mutating func release(
        _ told: SparkplugSample, from edge: Int, since first: Int, _ failure: inout DecodeFailure?
    ) {
        guard !told.flags.contains(.historical) else {
            // It says nothing about the present, and nothing else is kept here.
            edgeNodes.historical &+= 1
            return
        }
        let receivedAt = edgeNodes.wall(told.receivedTime)
        let isBorn = told.flags.contains(.birth)
        guard let (tag, topic) = tag(told.tag, of: edge, isBorn: isBorn, at: receivedAt, &failure) else { return }
        guard told.quality != .stale else {
            return edgeNodes.release(stale: tag.tag, of: topic, at: receivedAt, from: first)
        }
        var quality = Quality.good
        var sourceTime: Milliseconds?
        if let time = told.time {
            if isPlausible(time, receivedAt: receivedAt) {
                sourceTime = time
            } else {
                tally.implausibleTimes &+= 1
                quality = .uncertain
            }
        }
        var value: TagValue?
        if told.quality != .bad, let scalar = told.value {
            do throws(DecodeFailure) {
                value = try TagValue(scalar, isNumber: tag.isNumeric, limits)
            } catch {
                tally.undecodable &+= 1
                failure = failure ?? error
            }
        }
        var sample = Sample(
            tag: tag.tag, value: value, quality: value == nil ? .bad : quality, sourceTime: sourceTime,
            receivedTime: receivedAt)
        sample.isCalledUncertain = value != nil && (told.quality == .uncertain || told.flags.contains(.unproven))
        sample.isFromBirth = told.flags.contains(.birth)
        tally.samples &+= 1
        let sentAt = told.sentTime.flatMap { isPlausible($0, receivedAt: receivedAt) ? $0 : nil }
        edgeNodes.release(sample, sentAt: sentAt, isBirth: isBorn, of: topic, from: first)
    }

    /// Takes what a message says of one device, as of when it came.
    @inline(never)
    mutating func takeRelease(
        _ part: MessagePart, into samples: inout ContiguousArray<Sample>
    ) -> MessageOutcome {
        let release = edgeNodes.releases[part.release]
        let device = release.device ?? bindings[part.topic].device
        // Some that follow it in order came before it; a device has been heard when it was heard last.
        let receivedAt = max(release.receivedAt, devices.lastHeard(device))
        var outcome = MessageOutcome(.samples(release.samples.count))
        outcome.receivedAt = release.receivedAt
        outcome.topic = part.topic
        outcome.device = device
        outcome.isNewDevice = part.isNewDevice
        let turn: DeviceTurn? =
            switch release.state {
            case .online: devices.presence(device, isOnline: true, at: receivedAt)
            case .offline: devices.presence(device, isOnline: false, at: receivedAt)
            case .stale: devices.unanswered(device, at: receivedAt)
            case .unborn: nil
            case nil:
                release.samples.isEmpty ? nil : devices.heard(device, at: receivedAt).map { .counts(as: $0) }
            }
        switch turn {
        case .counts(let state): outcome.deviceState = state
        case .lostAgain: outcome.isDeviceLostAgain = true
        case nil: break
        }
        if release.state != nil, release.samples.isEmpty {
            tally.presence &+= 1
            outcome.result = .presence(isOnline: release.state == .online)
        }
        let first = samples.count
        samples.append(contentsOf: edgeNodes.samples[release.samples])
        staleTags.append(contentsOf: edgeNodes.staleTags[release.staleTags])
        // The clock that dates the values is judged by what it shows, which need not be the one by which messages are sent: a
        // controller's, or that of a client that always sends with the same time. Only in a birth the newest may be long ago.
        outcome.isBirth = release.isBirth
        outcome.sourceTime = Self.newestTime(in: samples, from: first)
        if release.isBirth, outcome.sourceTime != nil { outcome.sourceTime = release.sentAt ?? outcome.sourceTime }
        // Those of one moment are one document, as it were; in a birth each is as old as it says.
        outcome.isBatch = samples[first...].contains {
            $0.hasSourceTime && (release.isBirth || $0.sourceTime != outcome.sourceTime)
        }
        if outcome.isBatch { Self.sort(&samples, from: first) }
        noteNewDevice(at: receivedAt, &outcome)
        return outcome
    }
}
