import Testing

@testable import Plant

/// What the alarm tests share: one tag, one alarm, and shorthand for its inputs.
enum AlarmFixture {
    static func tag(_ text: String = "factory/line1/press1/temperature") throws -> TagPath { try TagPath(text) }

    static func path(_ text: String = "factory/line1/press1/temperature") throws -> AlarmPath {
        AlarmPath(tag: try tag(text), alarm: "overtemperature")
    }

    static func definition(
        high: Double? = 85, highHigh: Double? = 95, low: Double? = nil, lowLow: Double? = nil, deadband: Double = 2,
        onDelay: Milliseconds = 5000, offDelay: Milliseconds = 10_000
    ) throws -> AlarmDefinition {
        AlarmDefinition(
            name: "overtemperature", tags: try TopicFilter("factory/+/+/temperature"),
            high: high.map { AlarmLimit(limit: $0, priority: .high) },
            highHigh: highHigh.map { AlarmLimit(limit: $0, priority: .critical) },
            low: low.map { AlarmLimit(limit: $0, priority: .medium) },
            lowLow: lowLow.map { AlarmLimit(limit: $0, priority: .high) }, deadband: deadband, onDelay: onDelay,
            offDelay: offDelay)
    }

    /// A book with one tag, number 0.
    static func book(_ definition: AlarmDefinition? = nil, limits: AlarmBook.Limits = .init()) throws -> AlarmBook {
        var book = try AlarmBook(definitions: [try definition ?? Self.definition()], limits: limits)
        #expect(book.bind(tag: TagID(rawValue: 0), path: try tag()) == 1)
        return book
    }
}

extension AlarmBook {
    /// A sample with source time, received at once unless said otherwise.
    @discardableResult
    mutating func sample(
        _ value: Double, at time: Milliseconds, received: Milliseconds? = nil, quality: Quality = .good, tag: UInt32 = 0
    ) -> Bool {
        sampleReceived(
            tag: TagID(rawValue: tag), value: value, quality: quality, sourceTime: time, hasSourceTime: true,
            receivedTime: received ?? time)
    }

    /// A sample without source time.
    @discardableResult
    mutating func arrival(_ value: Double, at time: Milliseconds, quality: Quality = .good) -> Bool {
        sampleReceived(
            tag: TagID(rawValue: 0), value: value, quality: quality, sourceTime: 0, hasSourceTime: false,
            receivedTime: time)
    }

    /// Records everything pending, as an active processor would.
    @discardableResult
    mutating func commitAll(epoch: Int64 = 1, at now: Milliseconds = 0) -> [ProposedTransition] {
        let proposals = proposals(limit: .max, epoch: epoch)
        for proposal in proposals { transitionRecorded(proposal.record, at: now) }
        return proposals
    }

    /// What an active processor would record next.
    func proposals(limit: Int, epoch: Int64, except excluded: Set<AlarmPath> = []) -> [ProposedTransition] {
        var copy = self
        return copy.unrecorded(limit: limit, except: excluded).proposals(epoch: epoch)
    }

    /// The pending transitions, shortened.
    var pendingSteps: [Step] { proposals(limit: .max, epoch: 0).map(Step.init) }
}

extension LivePlant {
    /// What an active processor would record next.
    func proposals(limit: Int, epoch: Int64) -> [ProposedTransition] {
        var copy = self
        return copy.unrecorded(limit: limit).proposals(epoch: epoch)
    }
}

/// The part of a transition that a test usually speaks of.
struct Step: Hashable, CustomStringConvertible {
    let transition: AlarmTransition
    let condition: AlarmCondition
    let at: Milliseconds

    init(_ transition: AlarmTransition, _ condition: AlarmCondition, at: Milliseconds) {
        self.transition = transition
        self.condition = condition
        self.at = at
    }

    init(_ proposal: ProposedTransition) {
        self.init(proposal.transition, proposal.record.condition, at: proposal.at)
    }

    var description: String { "\(transition) \(condition) @\(at)" }
}
