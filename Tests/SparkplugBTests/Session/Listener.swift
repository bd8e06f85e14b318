import Primitives
import SparkplugB

/// A session that is told messages, and says in short what follows.
struct Listener {
    var session: EdgeNodeSession
    /// The latest values that are live, by tag.
    private(set) var latest: [String: SparkplugScalar] = [:]
    /// When devices had had their time after a birth of the edge node.
    private(set) var birthsOver: [Int64] = []
    /// Whether requests are sent as soon as they are due.
    var sendsRequests = true

    init(
        rule: EdgeNodeRule = EdgeNodeRule(), capacities: EdgeNodeCapacities = EdgeNodeCapacities(), seed: UInt64 = 1,
        asksFirst: Bool = true
    ) {
        session = EdgeNodeSession(rule: rule, capacities: capacities, seed: seed, asksFirst: asksFirst)
    }

    mutating func hear(
        _ type: SparkplugMessageType, _ payload: SparkplugPayload, device: String = "", at now: Int64
    ) -> [String] {
        hear(type, payload.encoded, device: device, at: now)
    }

    mutating func hear(
        _ type: SparkplugMessageType, _ payload: [UInt8], device: String = "", at now: Int64
    ) -> [String] {
        let device = Array(device.utf8)
        return tell(at: now) { $0.received(type, device: device.span, payload.span, at: now, into: &$1) }
    }

    mutating func advance(to now: Int64) -> [String] { tell(at: now) { $0.advance(to: now, into: &$1) } }

    mutating func connectionLost(at now: Int64) -> [String] {
        tell(at: now) { $0.connectionLost(at: now, into: &$1) }
    }

    private mutating func tell(
        at now: Int64, _ input: (inout EdgeNodeSession, inout ContiguousArray<EdgeNodeEvent>) -> Void
    ) -> [String] {
        var events: ContiguousArray<EdgeNodeEvent> = []
        input(&session, &events)
        if sendsRequests { session.rebirthSent(at: now) }
        return events.compactMap { text(of: $0) }
    }

    /// What a command would find of a metric.
    func standing(_ name: String, device: String = "") -> MetricStanding<SparkplugTagID> {
        session.standing(of: Array(name.utf8).span, device: Array(device.utf8).span)
    }

    /// The tag's name below its device, after the device's and a colon.
    func name(of tag: SparkplugTagID) -> String {
        let (device, name) = session.tag(tag)
        return device == .node ? name : "\(session.device(device).name):\(name)"
    }

    /// nil for what follows from every birth in time.
    private mutating func text(of event: EdgeNodeEvent) -> String? {
        switch event {
        case .sample(let sample):
            let name = name(of: sample.tag)
            if !sample.flags.contains(.historical), let value = sample.value { latest[name] = value }
            var text = "\(name)=\(sample.value.map { Self.text(of: $0) } ?? "nil")"
            if sample.quality != .good { text += " \(sample.quality)" }
            let flags: [(SparkplugSample.Flags, String)] = [
                (.historical, "historical"), (.transient, "transient"), (.null, "null"), (.unproven, "unproven"),
            ]
            for (flag, word) in flags where sample.flags.contains(flag) { text += " \(word)" }
            return text
        case .tagStale(let tag, _): return "\(name(of: tag)) stale"
        case .stateChanged(let device, let state, let time, _):
            return "\(device == .node ? "node" : session.device(device).name) \(state) at \(time)"
        case .birthsOver(let time):
            birthsOver.append(time)
            return nil
        case .rebirthNeeded(let reason): return "rebirth: \(reason.rawValue)"
        case .refused(_, let name, let refusal): return "refused \(name): \(refusal)"
        case .unreadable(let type, let error): return "unreadable \(type): \(error.reason)"
        }
    }

    private static func text(of value: SparkplugScalar) -> String {
        switch value {
        case .integer(let integer): "\(integer)"
        case .unsigned(let integer): "\(integer)u"
        case .number(let number): "\(number)"
        case .bool(let bool): "\(bool)"
        case .text(let text): text
        }
    }
}

extension EdgeNodeSession {
    /// What follows from a message.
    mutating func hear(
        _ type: SparkplugMessageType, _ payload: SparkplugPayload, device: String = "", at now: Int64
    ) -> ContiguousArray<EdgeNodeEvent> {
        var events: ContiguousArray<EdgeNodeEvent> = []
        let device = Array(device.utf8)
        let bytes = payload.encoded
        received(type, device: device.span, bytes.span, at: now, into: &events)
        return events
    }
}

// Messages in short. `at` is the time in the payload.

func birth(
    from sequence: UInt64? = 0, number: UInt64? = 0, at time: UInt64? = 1000, _ metrics: [SparkplugMetric] = []
) -> SparkplugPayload {
    let bdSeq = number.map { SparkplugMetric(name: "bdSeq", type: .int64, value: .long($0)) }
    let rebirth = SparkplugMetric(name: "Node Control/Rebirth", type: .boolean, value: .bool(false))
    return SparkplugPayload(
        timestamp: time, sequence: sequence, metrics: [bdSeq, rebirth].compactMap { $0 } + metrics)
}

func message(_ sequence: UInt64?, at time: UInt64? = 2000, _ metrics: [SparkplugMetric] = []) -> SparkplugPayload {
    SparkplugPayload(timestamp: time, sequence: sequence, metrics: metrics)
}

func death(_ number: UInt64?) -> SparkplugPayload {
    SparkplugPayload(
        timestamp: 1, metrics: number.map { [SparkplugMetric(name: "bdSeq", type: .int64, value: .long($0))] } ?? [])
}

/// A metric of a birth.
func int(_ name: String, alias: UInt64? = nil, _ value: UInt32) -> SparkplugMetric {
    SparkplugMetric(name: name, alias: alias, type: .int32, value: .int(value))
}

/// A metric of data, known by its alias.
func int(_ alias: UInt64, _ value: UInt32, at time: UInt64? = nil) -> SparkplugMetric {
    SparkplugMetric(alias: alias, timestamp: time, value: .int(value))
}
