public import JSON
public import OrderedCollections

/// What operators may ask of which devices: an entry of `commands:` in the configuration.
public struct CommandDefinition: Sendable, Hashable {
    /// Longest time that a command may take, from the request to its deadline: a day.
    public static let timeoutLimit: Milliseconds = 24 * 60 * 60 * 1000
    /// When the configuration says nothing: ten seconds.
    public static let defaultTimeout: Milliseconds = 10_000

    public let name: String
    /// The devices that know this command.
    public let devices: CommandDevices
    /// Where it is published.
    public let topic: DeviceTemplate
    public let parameters: [CommandParameter]
    public let payload: CommandPayload
    /// By default 1; and 0 for what must not be done twice by a device that cannot tell that it gets it twice, and for a metric of
    /// Sparkplug B (`topics-ncmd-mqtt`).
    public let qos: CommandQoS
    public let execution: CommandExecution
    public let timeout: Milliseconds
    /// nil when the device does not answer. Without ``verification`` either, that it was published is all that is ever known.
    public let answer: CommandAnswerRule?
    /// Which tag shows that it was carried out.
    public let verification: CommandVerification?
    /// Must hold when the command is sent.
    public let interlock: Interlock?
    /// How old the interlock's inputs may be; nil leaves it to what their routes say of silence.
    public let interlockInputAge: Milliseconds?

    public init(
        name: String, devices: CommandDevices, topic: DeviceTemplate, parameters: [CommandParameter] = [],
        payload: CommandPayload = .envelope, qos: CommandQoS? = nil, execution: CommandExecution,
        timeout: Milliseconds = CommandDefinition.defaultTimeout, answer: CommandAnswerRule? = nil,
        verification: CommandVerification? = nil, interlock: Interlock? = nil, interlockInputAge: Milliseconds? = nil
    ) throws(Mistake) {
        self.name = name
        self.devices = devices
        self.topic = topic
        self.parameters = parameters
        self.payload = payload
        self.qos = qos ?? payload.qos(execution)
        self.execution = execution
        self.timeout = timeout
        self.answer = answer
        self.verification = verification
        self.interlock = interlock
        self.interlockInputAge = interlockInputAge
        try check()
    }

    /// The parameters as they go to the device: checked, in the order of the definition, complete with defaults.
    public func checked(
        _ given: OrderedDictionary<String, JSONValue>
    ) throws(CommandParameter.Mistake) -> OrderedDictionary<String, JSONValue> {
        var complete = OrderedDictionary<String, JSONValue>()
        for parameter in parameters {
            if let value = given[parameter.name] {
                complete[parameter.name] = try parameter.check(value)
            } else if let value = parameter.defaultValue {
                complete[parameter.name] = value
            } else if parameter.isRequired {
                throw .missing(parameter.name)
            }
        }
        if let stranger = given.keys.first(where: { complete[$0] == nil }) {
            throw .unknown(stranger, known: parameters.map(\.name))
        }
        for name in levelPlaceholders { try checkLevel(name, of: complete) }
        return complete
    }

    /// Whether a parameter stands where its word is sent, in the topic or in a payload made of a template.
    package func sends(_ parameter: String) -> Bool {
        topic.placeholders.contains(parameter) || payload.placeholders.contains(parameter)
    }

    /// The placeholders that stand for levels.
    var levelPlaceholders: [String] {
        topic.placeholders + (verification?.tag?.placeholders ?? []) + (metric?.name.placeholders ?? [])
    }

    /// Whether a parameter can be the level of a topic, tag or metric that it stands in.
    private func checkLevel(
        _ name: String, of values: OrderedDictionary<String, JSONValue>
    ) throws(CommandParameter.Mistake) {
        guard let parameter = parameters.first(where: { $0.name == name }), let value = values[name] else { return }
        for text in [value, parameter.word(for: value) ?? value].map(\.plainText) {
            if let why = CommandParameter.mistake(inLevel: text) { throw .notALevel(name, text: text, why: why) }
        }
    }

    /// The filters that bring in the answers to this command, for the gateway's subscriptions.
    public var answerFilter: String? { answer.map { $0.topic.filter(devices: devices) } }
}

/// All commands of a plant. Two definitions may share a name when they are for different devices: the first that matches counts.
public struct CommandCatalogue: Sendable {
    public let definitions: [CommandDefinition]
    private let byName: [String: [CommandDefinition]]

    public init(_ definitions: [CommandDefinition]) {
        self.definitions = definitions
        byName = Dictionary(grouping: definitions, by: \.name)
    }

    /// Why there is no such command for a device.
    public enum Absence: Error, Hashable, Sendable {
        case unknownCommand
        case unknownDevice
    }

    /// The command of that name for that device.
    public func definition(of name: String, for device: TagPath) throws(Absence) -> CommandDefinition {
        guard let candidates = byName[name] else { throw .unknownCommand }
        guard let found = candidates.first(where: { $0.devices.matches(device) }) else { throw .unknownDevice }
        return found
    }

    /// The commands that a device knows.
    public func definitions(for device: TagPath) -> [CommandDefinition] {
        definitions.filter { $0.devices.matches(device) }
    }
}
