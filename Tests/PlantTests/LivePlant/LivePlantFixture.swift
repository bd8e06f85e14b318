import Testing

@testable import Plant

/// One gateway's plant, driven by text: machines that publish `{"v":…,"ts":…}` and an alarm above 85.
struct LivePlantFixture {
    static let start: Milliseconds = 1_767_225_600_000
    static let temperature = "factory/l1/m1/temperature"

    var plant: LivePlant
    /// The wall clock, after ``start``.
    var now: Milliseconds = 0
    var effects = LivePlant.Effects()
    let onDelay: Milliseconds
    let offDelay: Milliseconds

    init(
        onDelay: Milliseconds = 0, offDelay: Milliseconds = 0, staleAfter: Milliseconds? = 30_000, deadband: Double = 0
    )
        throws
    {
        self.onDelay = onDelay
        self.offDelay = offDelay
        let route = RouteDraft(
            name: "machines", topic: "factory/{line}/{machine}/{metric}", device: "factory/{line}/{machine}",
            value: "/v", time: "/ts", staleAfter: staleAfter,
            deadband: deadband == 0 ? [] : [.init("factory/+/+/temperature", .init(change: deadband))])
        plant = try LivePlant(
            routes: [try route.checked()],
            alarms: [
                AlarmDefinition(
                    name: "hot", tags: try TopicFilter("factory/+/+/temperature"),
                    high: AlarmLimit(limit: 85, priority: .high), deadband: 2, onDelay: onDelay, offDelay: offDelay)
            ], echoTopic: Array("linekeeper/p/gateways/g/echo".utf8))
    }

    /// A process that starts after this one has been killed: it knows what stood in the tree, and the alarm's record.
    func restarted(nodes: [String: [UInt8]], record: AlarmRecord? = nil) throws -> LivePlantFixture {
        var next = try LivePlantFixture(onDelay: onDelay, offDelay: offDelay)
        next.now = now
        for (path, data) in nodes { next.plant.seedTag(znodePath: path, data: data, at: next.clock) }
        if let record { next.plant.restoreAlarms([record], at: next.clock) }
        return next
    }

    var clock: Milliseconds { Self.start + now }

    /// A live message with a time of its own, `at` after ``start``, received now.
    mutating func hear(_ value: Double, at time: Milliseconds, topic: String = temperature) {
        receive(#"{"v":\#(value),"ts":\#(Self.start + time)}"#, topic: topic)
    }

    /// A live message without a time of its own.
    mutating func hear(_ value: Double, topic: String = temperature) { receive(#"{"v":\#(value)}"#, topic: topic) }

    mutating func receive(_ payload: String, retained: Bool = false, topic: String = temperature) {
        let topic = Array(topic.utf8)
        let payload = Array(payload.utf8)
        plant.messageReceived(
            topic: topic.span, payload: payload.span, retained: retained, receivedAt: clock, effects: &effects)
    }

    /// The clock goes on; nothing is proved by that.
    mutating func pass(_ time: Milliseconds, isAlone: Bool = false) {
        let end = now + time
        while now < end {
            now = min(end, now + 500)
            _ = plant.advance(to: clock, raisesUnheard: isAlone)
        }
    }

    /// The process, or its machine, stands still.
    mutating func pause(_ time: Milliseconds, isAlone: Bool) {
        now += time
        _ = plant.advance(to: clock, raisesUnheard: isAlone)
    }

    /// Everything that the broker kept until now has been read.
    mutating func prove() { _ = plant.heard(through: clock, at: clock) }

    /// What a flush writes now, by node.
    mutating func flush() -> [String: [UInt8]] {
        let writes = plant.takeChanged(ownedBy: .max, limit: 1000)
        plant.written(writes)
        return Dictionary(writes.map { ($0.znodePath, $0.data) }, uniquingKeysWith: { $1 })
    }

    /// The pending transitions with times after ``start``.
    var steps: [Step] {
        plant.proposals(limit: .max, epoch: 1).map {
            Step($0.transition, $0.record.condition, at: $0.at - Self.start)
        }
    }

    /// Records what is pending; gives the record after it.
    @discardableResult
    mutating func record() -> AlarmRecord? {
        var last: AlarmRecord?
        for proposal in plant.proposals(limit: .max, epoch: 1) {
            plant.transitionRecorded(proposal.record, isOurs: true, at: clock)
            last = proposal.record
        }
        return last
    }

    func standing() throws -> AlarmStanding? {
        plant.alarmConditions(of: try TagPath(Self.temperature)).first?.standing
    }
}
