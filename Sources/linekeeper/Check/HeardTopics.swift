import JSON
import Plant
import PlantClient

/// What was heard at a broker, explained topic by topic: the first message of each that has something, and the first that
/// cannot be read. The rest is counted. A value without I/O.
struct HeardTopics: Sendable {
    /// How many of the topics that routes take are explained. What comes on further ones is read and counted.
    static let topicLimit = 1_000

    private struct Topic {
        let route: String
        var isShown = false
        var isUnderstood = true
    }

    private struct Route {
        var topics = 0
        var messages = 0
        var unreadable = 0
    }

    private let plant: PlantDefinition
    private var limits = IngestLimits()
    /// Reads everything, as a gateway would.
    private var live: LivePlant
    /// By their bytes, as the broker tells them apart.
    private var topics: [[UInt8]: Topic] = [:]
    private var routes: [String: Route] = [:]
    /// The messages on topics that no route takes.
    private var unrouted = TopicPrefixCounts()
    /// Messages of the gateways.
    private(set) var own = 0
    /// Topics of commands, and of their answers, which are none of the routes'.
    private let commands: [TopicFilter]
    private let answers: [TopicFilter]
    /// Messages there.
    private(set) var exchanged = 0
    private(set) var messages = 0
    /// Of routed messages, whether every one could be read.
    private(set) var isUnderstood = true

    /// - Parameter maxPayload: the longest payload that a gateway takes, in bytes.
    init(plant: PlantDefinition, maxPayload: Int = IngestLimits().payloadBytes) throws(AlarmMistake) {
        self.plant = plant
        limits.payloadBytes = maxPayload
        // A checked configuration has filters only.
        commands = plant.commandFilters
        answers = (try? plant.answerFilters()) ?? []
        live = try LivePlant(routes: plant.routes, rules: plant.tags, limits: limits)
    }

    /// Takes a message in.
    ///
    /// - Returns: What is to be shown of it now; nil: it is as others before it.
    mutating func take(_ message: BrokerListening.Message) -> (trial: MessageTrial, steps: [MessageTrial.Step])? {
        guard !message.topic.starts(with: GatewayFault.prefix.utf8) else {
            own += 1
            return nil
        }
        messages += 1
        guard !answers.contains(where: { $0.matches(message.topic.span) }) else {
            exchanged += 1
            return nil
        }
        var effects = LivePlant.Effects()
        var samples: [Sample] = []
        let outcome = live.messageReceived(
            topic: message.topic.span, payload: message.payload.span, retained: message.isRetained,
            receivedAt: message.receivedAt, effects: &effects, observe: { samples.append($0) })
        let known = topics[message.topic]
        // Of what is empty or too long, the outcome does not say whether a route takes it.
        guard outcome?.result != .unrouted, let name = String(validating: message.topic, as: UTF8.self),
            let route = known?.route ?? live.routes(of: name).first?.route.name
        else {
            if commands.contains(where: { $0.matches(message.topic.span) }) {
                exchanged += 1
            } else {
                unrouted.count(message.topic.span)
            }
            return nil
        }
        // Whoever begins to listen has missed the births, which is no fault of the messages.
        let isReadable = MessageTrial.isUnderstood(outcome, samples) || outcome?.lacksBirth == true
        let isPresence =
            switch outcome?.result {
            case .presence, .keptHeartbeat: true
            default: false
            }
        let isNew = known == nil && topics.count < Self.topicLimit
        count(route, isNew: isNew, isReadable: isReadable)
        guard var topic = known ?? (isNew ? Topic(route: route) : nil) else { return nil }
        let isNews = isReadable ? !topic.isShown && (isPresence || !samples.isEmpty) : topic.isUnderstood
        topic.isShown = topic.isShown || isNews
        topic.isUnderstood = topic.isUnderstood && isReadable
        topics[message.topic] = topic
        guard isNews else { return nil }
        let trial = MessageTrial(
            topic: name, isRetained: message.isRetained, routes: plant.routes, rules: plant.tags, alarms: plant.alarms,
            limits: limits)
        if trial.takers.first?.route.payload == .sparkplug {
            // By itself it says nothing: what it means, the births before it have said.
            let step = MessageTrial.Step(
                payload: message.payload, at: message.receivedAt, outcome: outcome,
                flaw: trial.flaw(of: outcome, in: message.payload, tags: live.tags),
                samples: samples.map { (live.tags[$0.tag].path, $0, live.tags[$0.tag].unit) }, alarms: [])
            return (trial, [step])
        }
        return (trial, trial.steps(payloads: [message.payload], start: message.receivedAt, interval: 0))
    }

    private mutating func count(_ route: String, isNew: Bool, isReadable: Bool) {
        isUnderstood = isUnderstood && isReadable
        routes[route, default: Route()].messages += 1
        if isNew { routes[route]?.topics += 1 }
        if !isReadable { routes[route]?.unreadable += 1 }
    }

    // MARK: In the end

    /// Whether topics were counted no further.
    private var isFull: Bool { topics.count >= Self.topicLimit }

    private var byRoute: [(name: String, counts: Route)] {
        plant.routes.compactMap { route in routes[route.name].map { (route.name, $0) } }
    }

    /// What a person gets to see in the end.
    var text: String {
        var lines: [String] = []
        for (name, counts) in byRoute {
            let unreadable = counts.unreadable > 0 ? ", \(counts.unreadable) of which cannot be read as it says" : ""
            lines.append(
                "route   \(printable(name)) took \(HumanText.count(counts.messages, "message")) on "
                    + "\(isFull ? "at least " : "")\(HumanText.count(counts.topics, "topic"))\(unreadable)")
        }
        for (prefix, messages) in unrouted.rows {
            lines.append(
                "none    no route takes \(printable(prefix)): \(HumanText.count(Int(clamping: messages), "message"))")
        }
        if unrouted.further > 0 {
            lines.append("none    nor further topics: \(HumanText.count(Int(clamping: unrouted.further), "message"))")
        }
        if exchanged > 0 {
            lines.append("command \(HumanText.count(exchanged, "message")) of commands and their answers")
        }
        if own > 0 { lines.append("own     \(HumanText.count(own, "message")) of the gateways") }
        return lines.map { $0 + "\n" }.joined()
    }

    /// The same for programs, an object each.
    var json: [JSONValue] {
        var objects: [JSONValue] = byRoute.map { name, counts in
            [
                "kind": "route", "route": .string(name), "topics": .integer(Int64(counts.topics)),
                "messages": .integer(Int64(counts.messages)), "unreadable": .integer(Int64(counts.unreadable)),
            ]
        }
        for (prefix, messages) in unrouted.rows {
            objects.append([
                "kind": "unrouted", "topics": .string(prefix), "messages": .integer(Int64(clamping: messages)),
            ])
        }
        if unrouted.further > 0 {
            objects.append([
                "kind": "unrouted", "topics": .null, "messages": .integer(Int64(clamping: unrouted.further)),
            ])
        }
        if exchanged > 0 { objects.append(["kind": "command", "messages": .integer(Int64(exchanged))]) }
        if own > 0 { objects.append(["kind": "own", "messages": .integer(Int64(own))]) }
        return objects
    }
}
