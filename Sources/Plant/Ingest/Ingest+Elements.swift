import JSON

// Messages with several samples of the same values, each with its own time.
extension Ingest {
    /// Elements of one message that may show something new: each costs a new decoder. Those beyond are left out.
    private static let learningsPerMessage = 64

    /// Appends the samples of all elements, oldest first: alarms and latest values see them in the order in which they were
    /// taken, whatever the order in the message. Those without a time of their own come last, in the order of the message.
    ///
    /// An element that cannot be read costs itself alone, and its values are left out. Where none can be read, the tags are
    /// bad, as with any message.
    @inline(never)
    mutating func readElements(
        _ payload: borrowing Span<UInt8>, _ binding: Binding, retained: Bool, receivedAt: Milliseconds,
        into samples: inout ContiguousArray<Sample>, _ outcome: inout MessageOutcome
    ) {
        let definition = routes[Int(binding.route)].definition
        var binding = binding
        var failure: DecodeFailure?
        var failures: UInt64 = 0
        var learnings = 0
        let first = samples.count
        do throws(DecodeFailure) {
            let isWhole = try PayloadElement.find(
                in: payload, of: definition, at: definition.each ?? JSONPointer(tokens: []), limit: limits.elements,
                into: &elements)
            if !isWhole { failure = .brokenElements }
        } catch {
            fail(error, binding, retained: retained, receivedAt: receivedAt, into: &samples, &outcome)
            return
        }
        for index in elements.indices {
            let element = elements[index]
            do throws(DecodeFailure) {
                let count = bindings[outcome.topic].tagCount
                let time = try decode(
                    payload.extracting(element.range), &binding, mayLearn: learnings < Self.learningsPerMessage,
                    receivedAt: receivedAt, &outcome)
                if bindings[outcome.topic].tagCount > count { learnings += 1 }
                let former = outcome.flaw
                emit(
                    binding, definition.isTimeName ? element.time : time, retained: retained, receivedAt: receivedAt,
                    into: &samples, &outcome)
                if let flaw = outcome.flaw, flaw != former {
                    outcome.flaw = .init(tag: flaw.tag, failure: flaw.failure.advanced(by: element.range.lowerBound))
                }
            } catch {
                failure = failure ?? error.advanced(by: element.range.lowerBound)
                failures += 1
            }
        }
        if samples.count > first { tally.undecodable &+= failures }
        if samples.count == first, let failure {
            fail(failure, binding, retained: retained, receivedAt: receivedAt, into: &samples, &outcome)
            return
        }
        if outcome.flaw == nil, let failure { outcome.flaw = .init(tag: nil, failure: failure) }
        outcome.isBatch = elements.count > 1
        outcome.sourceTime = Self.newestTime(in: samples, from: first)
        outcome.result = .samples(samples.count - first)
        if outcome.isBatch { Self.sort(&samples, from: first) }
    }

    /// The newest of the samples' own times.
    static func newestTime(in samples: borrowing ContiguousArray<Sample>, from first: Int) -> Milliseconds? {
        var newest: Milliseconds?
        for index in first..<samples.count where samples[index].hasSourceTime {
            newest = max(newest ?? .min, samples[index].sourceTime)
        }
        return newest
    }

    /// Puts samples in the order of their own times.
    static func sort(_ samples: inout ContiguousArray<Sample>, from first: Int) {
        func key(_ sample: Sample) -> Milliseconds { sample.hasSourceTime ? sample.sourceTime : .max }
        var isSorted = true
        for index in first..<samples.count where index > first && key(samples[index]) < key(samples[index - 1]) {
            isSorted = false
        }
        if isSorted { return }
        let order = (first..<samples.count).sorted { left, right in
            (key(samples[left]), left) < (key(samples[right]), right)
        }
        let sorted = order.map { samples[$0] }
        samples.replaceSubrange(first..., with: sorted)
    }
}
