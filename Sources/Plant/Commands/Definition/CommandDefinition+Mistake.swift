import JSON

extension CommandDefinition {
    /// What a template is for.
    public enum TemplateUse: String, Hashable, Sendable {
        case topic
        case payload
        case answerTopic = "the answer's topic"
        case verifiedTag = "the verifying tag"
        case verifiedValue = "the value to be verified"
        case metric = "the metric"
        case metricValue = "the metric's value"
    }

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
        /// The topic is the same for several devices.
        case topicForAll([String])
        case unknownPlaceholder(String, in: TemplateUse, known: [String])
        /// A parameter that need not be given stands where something must.
        case optionalPlaceholder(String, in: TemplateUse)
        /// A parameter has the name of something else that stands in templates.
        case ambiguousName(String)
        /// A level of the devices has such a name.
        case reservedLevel(String)
        /// A text that an operator types stands beside something else.
        case freeText(String)
        /// The answer is expected to repeat an id that the device is not told.
        case idNotSent
        case words(String, why: String)
        case tolerance
        case within(Milliseconds)
        /// A topic of the broker's own, or of Linekeeper's.
        case ownTopic(String)
        /// A metric of Sparkplug B is written on a topic where no edge node listens for it.
        case metricTopic(String, why: String)
        /// On a topic where an edge node expects a metric, something else is sent.
        case metricNeeded(String)
        case metricName(String, why: String)
        case metricQoS
        case metricAnswer
        /// What is to be verified by its echo is no metric.
        case echoWithoutMetric

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
                "parameter \(name): an allowed value, a word or the default does not fit: \(mistake)"
            case .answerWithoutSuccess: "answer: 'succeeded' names no value, so that any message would count as success"
            case .topicForAll(let names):
                names.isEmpty
                    ? "the topic has no {device}; every device would hear the command"
                    : "the topic has neither {device} nor all names of its devices (\(names.joined(separator: ", "))) or the devices have levels without a name; every device would hear the command"
            case .unknownPlaceholder(let name, let use, let known):
                "\(use.rawValue): {\(name)} is not known; known are \(known.map { "{\($0)}" }.joined(separator: ", "))"
            case .optionalPlaceholder(let name, let use):
                "\(use.rawValue): parameter \(name) stands there and may be missing; require it, or give it a default"
            case .ambiguousName(let name):
                "parameter \(name): {\(name)} stands for something else in topics and payloads; call the parameter something else"
            case .reservedLevel(let name):
                "devices: {\(name)} stands for something else in topics and payloads; call the level something else"
            case .freeText(let name):
                "payload: {\(name)} can be any text, and beside other text it could say something else to the device; leave it out, list its values if it is a parameter (enum or map), or send JSON"
            case .idNotSent:
                "answer: the device does not get the id that its answer is to repeat; have {id} in the payload, or say id: correlation"
            case .words(let name, let why): "parameter \(name): map: \(why)"
            case .tolerance: "verify: only numbers have a tolerance, which is 0 or more"
            case .within(let within): "verify: within is \(within) ms, must be at least 1 ms and at most the timeout"
            case .ownTopic(let topic): "the topic \(topic) is one of the broker's own, or of Linekeeper's"
            case .metricTopic(let topic, let why):
                "a metric is written on spBv1.0/GROUP/NCMD/EDGE or spBv1.0/GROUP/DCMD/EDGE/DEVICE, and the topic is \(topic): \(why)"
            case .metricNeeded(let topic):
                "the topic \(topic) is one of Sparkplug B, where nothing but metrics is understood: payload: {metric: …, value: …}"
            case .metricName(let name, let why): "the metric \(name) cannot be written: \(why)"
            case .metricQoS: "a metric of Sparkplug B is written with QoS 0: leave qos out"
            case .metricAnswer:
                "answer: Sparkplug B has none; without verify, the metric itself has to show the value that was sent"
            case .echoWithoutMetric:
                "verify: it names no tag, and the command writes no metric that could show its value"
            }
        }

        /// The keys in the configuration that lead to what is wrong.
        package var keyPath: [String] {
            switch self {
            case .name: ["name"]
            case .timeout: ["timeout"]
            case .inputAge: ["interlockInputAge"]
            case .parameterTwice(let name), .parameterName(let name), .bounds(let name), .boundsWithoutNumber(let name),
                .noValues(let name), .value(let name, _), .ambiguousName(let name), .words(let name, _):
                ["parameters", name]
            case .answerWithoutSuccess: ["answer"]
            case .topicForAll, .ownTopic: ["topic"]
            case .unknownPlaceholder(_, let use, _), .optionalPlaceholder(_, let use): use.keyPath
            case .reservedLevel: ["devices"]
            case .freeText: TemplateUse.payload.keyPath
            case .idNotSent: ["answer", "id"]
            case .tolerance: ["verify", "tolerance"]
            case .within: ["verify", "within"]
            case .metricTopic: ["topic"]
            case .metricNeeded: ["payload"]
            case .metricName: TemplateUse.metric.keyPath
            case .metricQoS: ["qos"]
            case .metricAnswer: ["answer"]
            case .echoWithoutMetric: ["verify"]
            }
        }
    }
}

extension CommandDefinition.TemplateUse {
    fileprivate var keyPath: [String] {
        switch self {
        case .topic: ["topic"]
        case .payload: ["payload"]
        case .answerTopic: ["answer", "topic"]
        case .verifiedTag: ["verify", "tag"]
        case .verifiedValue: ["verify", "value"]
        case .metric: ["payload", "metric"]
        case .metricValue: ["payload", "value"]
        }
    }
}
