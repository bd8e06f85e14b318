import JSON

/// What a command's message says to the device.
public enum CommandPayload: Sendable, Hashable {
    /// Linekeeper's own form: see ``CommandRecord/envelope(deadline:epoch:)``.
    case envelope
    /// Nothing: the topic says it all.
    case nothing
    case text(CommandText)
    case json(CommandJSON)
    /// A metric of Sparkplug B and its new value.
    case metric(CommandMetric)

    /// Longest payload that is made of a template, in bytes.
    public static let sizeLimit = 64 * 1024

    /// Whether the device learns the command's id from it.
    public var carriesID: Bool {
        switch self {
        case .envelope: true
        case .nothing, .metric: false
        case .text, .json: placeholders.contains("id")
        }
    }

    /// The QoS of a command that does not say it.
    func qos(_ execution: CommandExecution) -> CommandQoS {
        if case .metric = self { return .atMostOnce }
        return execution == .atMostOnce && !carriesID ? .atMostOnce : .atLeastOnce
    }

    /// The placeholders in it.
    var placeholders: [String] {
        switch self {
        case .envelope, .nothing: return []
        case .text(let text): return text.placeholders
        case .json(let json):
            let placeholders = json.placeholders
            return placeholders.whole + placeholders.inText
        case .metric(let metric): return metric.placeholders
        }
    }

    /// The placeholders that must have a value.
    var neededPlaceholders: [String] {
        switch self {
        case .envelope, .nothing: []
        case .text(let text): text.placeholders
        case .metric(let metric): metric.placeholders
        // The whole document is no member that could be left out.
        case .json(.value(let name)): [name]
        case .json(let json): json.placeholders.inText
        }
    }
}
