import JSON
import OrderedCollections
import SparkplugB

/// What is published for one command: made of the definition's templates and the command's own values.
public struct CommandMessage: Sendable, Hashable {
    /// What kind of payload it is, for MQTT 5.
    public enum Form: Sendable, Hashable {
        case json, text, nothing, sparkplug
    }

    public let topic: String
    /// Empty for a metric: see ``CommandPublication/payload(at:metric:)``.
    public let payload: [UInt8]
    public let form: Form
    public let qos: CommandQoS
    /// Where the device answers.
    public let answerTopic: String?
    /// What is to show that it was carried out; nil when nothing does, or the metric itself.
    public let verified: Verified?
    /// What it writes, when it is a command of Sparkplug B.
    public let metric: Metric?

    /// A tag and the value that it has to show.
    public struct Verified: Sendable, Hashable {
        public let tag: String
        public let value: TagValue
    }

    /// A metric and the value that is written to it.
    public struct Metric: Sendable, Hashable {
        public let address: MetricAddress
        public let value: TagValue
    }
}

extension CommandDefinition {
    /// The message for a command whose parameters are complete (``checked(_:)``).
    ///
    /// - Throws: Why there can be none: with these parameters or this device it would go where it must not.
    public func message(
        _ record: CommandRecord, deadline: Milliseconds, epoch: Int64
    ) throws(CommandParameter.Mistake) -> CommandMessage {
        let placeholders = CommandPlaceholders(self, record, deadline: deadline, epoch: epoch)
        let topic = try filled(topic, record.device) { placeholders.sent($0) }
        let answerTopic: String?
        if let rule = answer {
            answerTopic = try filled(rule.topic, record.device) { placeholders.sent($0) }
        } else {
            answerTopic = nil
        }
        let (payload, form) = try payload(record, placeholders)
        return CommandMessage(
            topic: topic, payload: payload, form: form, qos: qos, answerTopic: answerTopic,
            verified: try verified(record), metric: try metric(topic, record.device, placeholders))
    }

    /// The metric that a command writes, and what; nil when it writes none.
    func metric(_ record: CommandRecord) throws(CommandParameter.Mistake) -> CommandMessage.Metric? {
        guard metric != nil else { return nil }
        let placeholders = CommandPlaceholders(self, record, deadline: 0, epoch: 0)
        let topic = try filled(topic, record.device) { placeholders.sent($0) }
        return try metric(topic, record.device, placeholders)
    }

    private func metric(
        _ topic: String, _ device: TagPath, _ placeholders: CommandPlaceholders
    ) throws(CommandParameter.Mistake) -> CommandMessage.Metric? {
        guard let metric else { return nil }
        do throws(SparkplugTopic.Refusal) { _ = try SparkplugTopic(Array(topic.utf8).span) } catch {
            throw .topic(topic, why: "\(error)")
        }
        guard let name = metric.name.filled(device: device, { placeholders.sent($0)?.plainText }) else {
            throw .metric(metric.name.text, why: "not every placeholder in it has a value")
        }
        if let why = CommandMetric.mistake(in: name) ?? CommandParameter.mistake(inTopic: name) {
            throw .metric(name, why: why)
        }
        let value: TagValue
        switch metric.value {
        case .constant(let constant): value = constant
        case .parameter(let parameter):
            guard let sent = placeholders.sent(parameter).flatMap(TagValue.init(json:)) else {
                throw .missing(parameter)
            }
            value = sent
        }
        return CommandMessage.Metric(address: MetricAddress(topic: topic, name: name), value: value)
    }

    /// Where the device answers; nil when it does not, or not on a topic that there can be.
    func answerTopic(of device: TagPath) -> String? {
        let levels = devices.levels(of: device)
        return answer.flatMap { $0.topic.filled(device: device) { levels[$0] } }
    }

    private func filled(
        _ template: DeviceTemplate, _ device: TagPath, _ value: (String) -> JSONValue?
    ) throws(CommandParameter.Mistake) -> String {
        guard let topic = template.filled(device: device, { value($0)?.plainText }) else {
            throw .topic(template.text, why: "not every placeholder in it has a value")
        }
        do throws(TagPath.Refusal) { _ = try TagPath(topic) } catch { throw .topic(topic, why: "\(error)") }
        if let why = CommandParameter.mistake(inTopic: topic) { throw .topic(topic, why: why) }
        guard topic.utf8.first != UInt8(ascii: "$") else { throw .topic(topic, why: "it begins with $") }
        // On its own topics a gateway would speak to others, and to itself.
        guard !topic.isLinekeepers || template.text.isLinekeepers else {
            throw .topic(topic, why: "that is a topic of Linekeeper's own")
        }
        return topic
    }

    private func payload(
        _ record: CommandRecord, _ placeholders: CommandPlaceholders
    ) throws(CommandParameter.Mistake) -> ([UInt8], CommandMessage.Form) {
        let bytes: [UInt8]
        let form: CommandMessage.Form
        switch payload {
        case .envelope: return (record.envelope(deadline: placeholders.deadline, epoch: placeholders.epoch), .json)
        case .nothing: return ([], .nothing)
        case .metric: return ([], .sparkplug)
        case .text(let text):
            bytes = Array((text.filled { placeholders.sent($0) } ?? "").utf8)
            form = .text
        case .json(let json):
            bytes = (json.filled { placeholders.sent($0) } ?? .null).serialized()
            form = .json
        }
        guard bytes.count <= CommandPayload.sizeLimit else { throw .payloadTooLong(bytes.count) }
        return (bytes, form)
    }

    /// Which tag has to show what; nil when there is none, or it is that of the metric that is written.
    func verified(_ record: CommandRecord) throws(CommandParameter.Mistake) -> CommandMessage.Verified? {
        guard case .tag(let template, let wanted)? = verification?.subject else { return nil }
        let levels = devices.levels(of: record.device)
        let tag = template.filled(device: record.device) { levels[$0] ?? record.parameters[$0]?.plainText }
        guard let tag else { throw .tag(template.text, why: "not every placeholder in it has a value") }
        do throws(TagPath.Refusal) { _ = try TagPath(tag) } catch { throw .tag(tag, why: "\(error)") }
        switch wanted {
        case .constant(let value): return CommandMessage.Verified(tag: tag, value: value)
        case .parameter(let name):
            guard let value = record.parameters[name].flatMap(TagValue.init(json:)) else { throw .missing(name) }
            return CommandMessage.Verified(tag: tag, value: value)
        }
    }
}

extension String {
    fileprivate var isLinekeepers: Bool { utf8.starts(with: "linekeeper/".utf8) }
}

extension CommandRecord {
    /// The message to a device that knows Linekeeper: `{"id","command","parameters":{…},"by","deadline","epoch"}`.
    ///
    /// `deadline` and `epoch` let a device refuse what is late, or what comes from a gateway that has been replaced (a smaller
    /// epoch than one that it has seen for itself). Parameters stay in an object of their own, so that none can be mistaken for
    /// one of ours.
    func envelope(deadline: Milliseconds, epoch: Int64) -> [UInt8] {
        JSONValue.object([
            "id": .string(id), "command": .string(command), "parameters": .object(parameters), "by": .string(by.name),
            "deadline": .integer(deadline), "epoch": .integer(epoch),
        ]).serialized()
    }
}
