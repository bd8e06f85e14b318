import SparkplugB
import Testing

@testable import Plant

/// An edge node as the specification wants it: it counts its messages, and its births name everything.
struct TestEdge {
    var group = "g"
    var edge = "e1"
    /// Values by metric, of the edge node (``""``) and of each device.
    var values: [String: [(name: String, value: Double)]] = ["": [("temperature", 20)], "d1": [("speed", 5)]]
    var birthNumber: UInt64 = 0
    private var sequence: UInt64 = 0

    init(_ edge: String = "e1") { self.edge = edge }

    typealias Message = (topic: String, payload: [UInt8])

    mutating func seal(
        _ type: SparkplugMessageType, device: String = "", at now: Milliseconds, _ metrics: [SparkplugMetric]
    ) -> Message {
        var payload = SparkplugPayload(timestamp: UInt64(now), metrics: metrics)
        if type.hasSequence {
            if type == .nodeBirth { sequence = 0 }
            payload.sequence = sequence
            sequence = (sequence + 1) % 256
        }
        let topic = EdgeTopic.text(type, group: group, edge: edge, device: type.hasDevice ? device : nil) ?? ""
        return (topic, payload.encoded)
    }

    static func metric(_ name: String, _ value: Double, at time: Milliseconds? = nil) -> SparkplugMetric {
        SparkplugMetric(
            name: name, timestamp: time.map { UInt64($0) }, type: .double, value: .double(value))
    }

    /// The metric by which a death names the birth that it ends.
    var number: SparkplugMetric { SparkplugMetric(name: "bdSeq", type: .int64, value: .long(birthNumber)) }

    mutating func birth(at now: Milliseconds) -> [Message] {
        var messages: [Message] = []
        for device in values.keys.sorted() {
            let metrics = (values[device] ?? []).map { Self.metric($0.name, $0.value) }
            messages.append(
                device.isEmpty
                    ? seal(.nodeBirth, at: now, [number] + metrics)
                    : seal(.deviceBirth, device: device, at: now, metrics))
        }
        return messages
    }

    mutating func data(_ name: String, _ value: Double, device: String = "", at now: Milliseconds) -> Message {
        seal(device.isEmpty ? .nodeData : .deviceData, device: device, at: now, [Self.metric(name, value)])
    }

    mutating func death(at now: Milliseconds) -> Message { seal(.nodeDeath, at: now, [number]) }
}

/// One gateway's plant that reads Sparkplug B, with an alarm above 85 on temperatures.
struct EdgePlant {
    static let start: Milliseconds = 1_767_225_600_000

    var plant: LivePlant
    var now = Self.start
    var effects = LivePlant.Effects()
    var outcomes: [MessageOutcome] = []

    init(
        limits: IngestLimits = IngestLimits(), asksFirst: Bool = true, _ change: (inout RouteDraft) -> Void = { _ in }
    ) throws {
        var draft = RouteDraft(name: "s", topic: "spBv1.0/#", payload: .sparkplug)
        change(&draft)
        try self.init(routes: [draft], limits: limits, asksFirst: asksFirst)
    }

    init(routes: [RouteDraft], limits: IngestLimits = IngestLimits(), asksFirst: Bool = true) throws {
        plant = try LivePlant(
            routes: routes.map { try $0.checked() },
            alarms: [
                AlarmDefinition(
                    name: "hot", tags: try TopicFilter("+/+/temperature"), high: AlarmLimit(limit: 85, priority: .high))
            ], limits: limits)
        plant.brokerConnected(at: now)
        plant.asksFirstForBirths(asksFirst, at: now)
        _ = plant.heard(through: now, at: now)
    }

    mutating func hear(_ messages: [TestEdge.Message], retained: Bool = false) {
        for message in messages { hear(message, retained: retained) }
    }

    mutating func hear(_ message: TestEdge.Message, retained: Bool = false) {
        let outcome = plant.messageReceived(
            topic: Array(message.topic.utf8).span, payload: message.payload.span, retained: retained, receivedAt: now,
            effects: &effects)
        if let outcome { outcomes.append(outcome) }
    }

    /// Time passes; what is to be asked meanwhile.
    @discardableResult
    mutating func pass(_ time: Milliseconds, asks: Bool = true) -> [RebirthRequest] {
        var requests: [RebirthRequest] = []
        let end = now + time
        while now < end {
            now = min(end, now + 250)
            _ = plant.heard(through: now, at: now)
            _ = plant.advance(to: now)
            if asks { requests += plant.takeRebirths(at: now) }
        }
        return requests
    }

    func entry(_ path: String) throws -> LatestValues.Entry? { plant.value(of: try TagPath(path)) }

    func value(_ path: String) throws -> TagValue? { try entry(path)?.value }

    func quality(_ path: String) throws -> Quality? { try entry(path)?.shownQuality }

    func state(_ device: String) throws -> DeviceState? {
        plant.ingest.devices.id(of: try TagPath(device)).map { plant.ingest.devices.state(of: $0).state }
    }

    func number(_ name: String) -> UInt64? { plant.numbers.first { $0.name == name }?.value }

    /// Takes up what another gateway's plant has not written yet, as a gateway does that finds it in the tree when it starts.
    mutating func seed(from plant: inout EdgePlant) {
        now = plant.now
        for device in plant.plant.takeChangedDevices(ownedBy: .max, limit: .max) {
            self.plant.seedDevice(device.record, at: now)
        }
        for write in plant.plant.takeChanged(ownedBy: .max, limit: .max) {
            self.plant.seedTag(znodePath: write.znodePath, data: write.data, at: now)
        }
        _ = self.plant.heard(through: now, at: now)
    }

    /// The device that a tag belongs to.
    func device(of path: String) throws -> String? {
        plant.tags.id(of: try TagPath(path)).map { plant.ingest.devices[plant.tags[$0].device].path.text }
    }

    func unit(of path: String) throws -> String? {
        plant.tags.id(of: try TagPath(path)).flatMap { plant.tags[$0].unit }
    }

    /// What every tag has and whose it is, and what every device is.
    var picture: [String: String] {
        var picture: [String: String] = [:]
        for tag in plant.tags.all {
            let path = plant.tags[tag].path
            let entry = plant.value(of: path)
            let device = plant.ingest.devices[plant.tags[tag].device].path.text
            let value = "\(String(describing: entry?.value)) \(String(describing: entry?.shownQuality))"
            picture[path.text] = "\(value) of \(device), shard \(plant.tags[tag].shard)"
        }
        for device in plant.ingest.devices.all {
            picture["device " + plant.ingest.devices[device].path.text] =
                "\(plant.ingest.devices.state(of: device).state)"
        }
        return picture
    }
}

extension LivePlant {
    /// Everything that is to be asked now.
    mutating func takeRebirths(at now: Milliseconds) -> [RebirthRequest] {
        var requests: [RebirthRequest] = []
        while let request = takeRebirth(at: now) { requests.append(request) }
        return requests
    }
}
