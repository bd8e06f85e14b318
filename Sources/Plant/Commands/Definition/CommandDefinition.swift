public import JSON
public import OrderedCollections

/// What operators may ask of which devices: an entry of `commands:` in the configuration.
public struct CommandDefinition: Sendable, Hashable {
    /// Longest time that a command may take, from the request to its deadline: a day.
    public static let timeoutLimit: Milliseconds = 24 * 60 * 60 * 1000
    /// When the configuration says nothing: ten seconds.
    public static let defaultTimeout: Milliseconds = 10_000

    public let name: String
    /// The devices that know this command, in MQTT filter syntax.
    public let devices: TopicFilter
    /// Where it is published.
    public let topic: DeviceTemplate
    public let parameters: [CommandParameter]
    public let execution: CommandExecution
    public let timeout: Milliseconds
    /// nil when the device does not answer: the broker's acknowledgement is then all that is ever known.
    public let answer: CommandAnswerRule?
    /// Must hold when the command is sent.
    public let interlock: Interlock?
    /// How old the interlock's inputs may be; nil leaves it to what their routes say of silence.
    public let interlockInputAge: Milliseconds?

    /// Why a definition cannot be.
    public enum Mistake: Error, Hashable, Sendable, CustomStringConvertible {
        case name(String)
        case timeout(Milliseconds)
        case inputAge(Milliseconds)
        case parameterTwice(String)
        case parameterName(String)
        case bounds(String)
        case boundsWithoutNumber(String)
        case noValues(String)
        case value(String, CommandParameter.Mistake)
        case answerWithoutSuccess

        public var description: String {
            switch self {
            case .name(let name): "'\(name)' is not a name: letters, digits, '.', '_' and '-', at most 128"
            case .timeout(let timeout):
                "timeout is \(timeout) ms, must lie between 1 ms and \(CommandDefinition.timeoutLimit / 3_600_000) h"
            case .inputAge(let age): "the age of the interlock's inputs is \(age) ms, must be at least 1 ms"
            case .parameterTwice(let name): "parameter \(name) is given twice"
            case .parameterName(let name):
                "'\(name)' cannot be the name of a parameter: 1 to 128 characters, no control characters"
            case .bounds(let name): "parameter \(name): minimum is greater than maximum, or not a number"
            case .boundsWithoutNumber(let name):
                "parameter \(name): only numbers and integers have a minimum or maximum"
            case .noValues(let name): "parameter \(name): the list of allowed values is empty"
            case .value(let name, let mistake):
                "parameter \(name): an allowed value or the default does not fit: \(mistake)"
            case .answerWithoutSuccess: "answer: 'succeeded' names no value, so that any message would count as success"
            }
        }
    }

    public init(
        name: String, devices: TopicFilter, topic: DeviceTemplate, parameters: [CommandParameter] = [],
        execution: CommandExecution, timeout: Milliseconds = CommandDefinition.defaultTimeout,
        answer: CommandAnswerRule? = nil,
        interlock: Interlock? = nil, interlockInputAge: Milliseconds? = nil
    ) throws(Mistake) {
        guard !name.isEmpty, name.utf8.count <= 128, name.utf8.allSatisfy(Self.isNameByte) else { throw .name(name) }
        guard (1...Self.timeoutLimit).contains(timeout) else { throw .timeout(timeout) }
        if let interlockInputAge, interlockInputAge < 1 { throw .inputAge(interlockInputAge) }
        if let answer, answer.succeeded.isEmpty { throw .answerWithoutSuccess }
        var names: Set<String> = []
        for parameter in parameters {
            guard names.insert(parameter.name).inserted else { throw .parameterTwice(parameter.name) }
            try Self.check(parameter)
        }
        self.name = name
        self.devices = devices
        self.topic = topic
        self.parameters = parameters
        self.execution = execution
        self.timeout = timeout
        self.answer = answer
        self.interlock = interlock
        self.interlockInputAge = interlockInputAge
    }

    private static func check(_ parameter: CommandParameter) throws(Mistake) {
        let name = parameter.name
        guard (1...128).contains(name.utf8.count),
            name.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else {
            throw .parameterName(name)
        }
        if parameter.minimum != nil || parameter.maximum != nil {
            guard parameter.kind == .number || parameter.kind == .integer else { throw .boundsWithoutNumber(name) }
            guard parameter.minimum ?? -.infinity <= parameter.maximum ?? .infinity else { throw .bounds(name) }
        }
        if let values = parameter.values {
            guard !values.isEmpty else { throw .noValues(name) }
            for value in values {
                do { _ = try parameter.check(value) } catch { throw .value(name, error) }
            }
        }
        if let value = parameter.defaultValue {
            do { _ = try parameter.check(value) } catch { throw .value(name, error) }
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
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
        return complete
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
