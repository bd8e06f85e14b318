/// A part of a message: what it is for one route, or the points of one series in it. Most messages have one part; those on a
/// topic whose route continues (``RouteDefinition/continues``) have one for each route that takes it, and those in line
/// protocol one for each measurement with its tags, and those of Sparkplug B one for each device and message that it releases.
///
/// Each part is bound as a topic of its own would be, with tags, a device, a clock and a silence of its own; only the bytes
/// that come are the same.
struct MessagePart: Sendable {
    /// The number of the topic as which it is bound.
    let topic: Int
    /// Of the message's points, in line protocol.
    var points: Range<Int> = 0..<0
    /// Of what an edge node has said, see ``EdgeRelease``; -1 for what is not Sparkplug B.
    var release = -1
    /// Whether this is the first message that counts for it.
    var isNew = false
    var isNewDevice = false
}

extension Ingest {
    /// Whether the last message counts for more than has been taken.
    @inline(__always)
    var hasFurtherParts: Bool { nextPart < parts.count }

    /// Takes the next part of the last message.
    @inline(never)
    mutating func furtherPart(
        _ topic: borrowing Span<UInt8>, _ payload: borrowing Span<UInt8>, retained: Bool, receivedAt: Milliseconds,
        into samples: inout ContiguousArray<Sample>
    ) -> MessageOutcome {
        let part = parts[nextPart]
        nextPart += 1
        if !hasFurtherParts {
            parts.removeAll(keepingCapacity: true)
            nextPart = 0
        }
        var outcome = MessageOutcome(.empty)
        outcome.topic = part.topic
        if part.release >= 0 { return takeRelease(part, into: &samples) }
        if bindings[part.topic].edge >= 0 {
            outcome.isNewTopic = part.isNew
            readEdge(topic, payload, retained: retained, receivedAt: receivedAt, into: &samples, &outcome)
            return outcome
        }
        if bindings[part.topic].isLines {
            outcome.isNewTopic = part.isNew
            readLines(topic, payload, retained: retained, receivedAt: receivedAt, into: &samples, &outcome)
            return outcome
        }
        if !part.points.isEmpty {
            return readPoints(part, payload, retained: retained, receivedAt: receivedAt, into: &samples)
        }
        guard part.isNew else {
            read(payload, bindings[part.topic], retained: retained, receivedAt: receivedAt, into: &samples, &outcome)
            return outcome
        }
        outcome.isNewTopic = true
        outcome.isNewDevice = part.isNewDevice
        readFirst(payload, retained: retained, receivedAt: receivedAt, into: &samples, &outcome)
        return outcome
    }

    /// What a message on a known topic counts for besides.
    @inline(never)
    mutating func noteParts(after number: Int) {
        var next = Int(bindings[number].next)
        while next >= 0 {
            parts.append(MessagePart(topic: next))
            next = Int(bindings[next].next)
        }
    }

    /// Binds a topic for the routes that share it with the first one. One that cannot be bound is counted, and costs itself
    /// alone.
    mutating func bindFurther(
        _ path: TagPath, first number: Int, at now: Milliseconds, _ outcome: inout MessageOutcome
    ) {
        var last = number
        for match in matches(path.text).dropFirst() where !saysNothing(path, match) {
            var part = MessageOutcome(.empty)
            part.newTags = outcome.newTags
            // No topic has a zero in it; behind that, R stands for a route and L for a series of points.
            let key = Array(path.text.utf8) + [0] + Array("R\(match.route)".utf8)
            do throws(MessageOutcome.Refusal) {
                let number = try bind(path, match, key: key.span, at: now, &part)
                bindings[last].next = Int32(clamping: number)
                last = number
                parts.append(MessagePart(topic: number, isNew: true, isNewDevice: part.isNewDevice))
                outcome.newTags = part.newTags
            } catch {
                count(error)
            }
        }
    }
}
