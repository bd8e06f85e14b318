import JSON
import Plant
import PlantClient

/// What was heard at a broker, explained topic by topic: the first message of each, and one of the next that cannot be
/// read. The rest is counted. A value without I/O.
struct HeardTopics: Sendable {
    /// Topics that are told apart; what comes on others is counted.
    static let topicLimit = 1_000
    /// Prefixes that are told apart, of topics that no route takes.
    static let prefixLimit = 100

    /// Messages of one topic that are read.
    static let readLimit = 10

    private struct Topic {
        var trial: MessageTrial
        var route: String
        var messages = 0
        var isUnderstood = true
    }

    private let plant: PlantDefinition
    private var routed: [String: Topic] = [:]
    /// By prefix, the messages on topics that no route takes.
    private var unrouted: [String: Int] = [:]
    private var isUnrouted: Set<String> = []
    /// Messages on topics beyond the limits, and on topics that are no text.
    private var uncounted = 0
    private(set) var messages = 0

    init(plant: PlantDefinition) { self.plant = plant }

    /// Whether every message that was read could be.
    var isUnderstood: Bool { routed.values.allSatisfy(\.isUnderstood) }

    /// Takes a message in.
    ///
    /// - Returns: What is to be shown of it now; nil: it is as others before it.
    mutating func take(_ message: BrokerListening.Message) -> (trial: MessageTrial, steps: [MessageTrial.Step])? {
        guard let name = String(validating: message.topic, as: UTF8.self) else {
            messages += 1
            uncounted += 1
            return nil
        }
        // What the gateways say.
        guard !name.hasPrefix("linekeeper/") else { return nil }
        messages += 1
        var topic: Topic
        if let known = routed[name] {
            topic = known
        } else if isUnrouted.contains(name) {
            unrouted[Self.prefix(of: name), default: 0] += 1
            return nil
        } else {
            guard routed.count + isUnrouted.count < Self.topicLimit else {
                uncounted += 1
                return nil
            }
            let trial = MessageTrial(
                topic: name, isRetained: message.isRetained, routes: plant.routes, rules: plant.tags,
                alarms: plant.alarms)
            guard let route = trial.route?.route.name else {
                noteUnrouted(name)
                return nil
            }
            topic = Topic(trial: trial, route: route)
        }
        topic.messages += 1
        defer { routed[name] = topic }
        guard topic.isUnderstood, topic.messages <= Self.readLimit else { return nil }
        let steps = topic.trial.steps(payloads: [message.payload], start: message.receivedAt, interval: 0)
        topic.isUnderstood = steps.allSatisfy(\.isUnderstood)
        return topic.messages == 1 || !topic.isUnderstood ? (topic.trial, steps) : nil
    }

    private mutating func noteUnrouted(_ name: String) {
        let prefix = Self.prefix(of: name)
        guard unrouted[prefix] != nil || unrouted.count < Self.prefixLimit else {
            uncounted += 1
            return
        }
        isUnrouted.insert(name)
        unrouted[prefix, default: 0] += 1
    }

    /// The first two levels of a topic, as a filter where there are more.
    static func prefix(of topic: String) -> String {
        let levels = topic.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        return levels.count > 2 ? "\(levels[0])/\(levels[1])/#" : topic
    }

    // MARK: In the end

    /// By route, how many topics and messages it took.
    private var byRoute: [(name: String, topics: Int, messages: Int)] {
        var counts: [String: (topics: Int, messages: Int)] = [:]
        for topic in routed.values {
            counts[topic.route, default: (0, 0)].topics += 1
            counts[topic.route, default: (0, 0)].messages += topic.messages
        }
        return plant.routes.compactMap { route in
            counts[route.name].map { (route.name, $0.topics, $0.messages) }
        }
    }

    private var byPrefix: [(prefix: String, messages: Int)] {
        unrouted.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) }
    }

    /// What a person gets to see in the end.
    var text: String {
        var lines: [String] = []
        for (name, topics, messages) in byRoute {
            lines.append(
                "route   \(printable(name)) took \(HumanText.count(messages, "message")) on \(HumanText.count(topics, "topic"))"
            )
        }
        for (prefix, messages) in byPrefix {
            lines.append("none    no route takes \(printable(prefix)): \(HumanText.count(messages, "message"))")
        }
        if uncounted > 0 { lines.append("        \(HumanText.count(uncounted, "message")) on further topics") }
        return lines.map { $0 + "\n" }.joined()
    }

    /// The same for programs, an object each.
    var json: [JSONValue] {
        byRoute.map { name, topics, messages in
            [
                "kind": "route", "route": .string(name), "topics": .integer(Int64(topics)),
                "messages": .integer(Int64(messages)),
            ]
        }
            + byPrefix.map { prefix, messages in
                ["kind": "unrouted", "topics": .string(prefix), "messages": .integer(Int64(messages))]
            }
    }
}
