import JSON
import OrderedCollections
import Plant
import PlantClient

extension MessageTrial {
    /// What a person gets to see of the route and of each step.
    ///
    /// - Parameter routes: The names and patterns that are offered where none takes the topic.
    func text(_ steps: [Step], routes: [RouteDefinition]) -> String {
        var lines: [String] = []
        let takers = takers
        if takers.isEmpty {
            let patterns = routes.map { "\n            \(printable("\($0.name): \($0.topic)"))" }.joined()
            return "topic   \(printable(topic))\nroute   none takes it\(patterns)\n"
        }
        lines.append("topic   \(printable(topic))")
        for taker in takers { lines += description(of: taker, withTags: steps.isEmpty) }
        if takers[0].route.payload == .nothing { return lines.joined(separator: "\n") + "\n" }
        let first = steps.first?.at ?? 0
        for step in steps {
            if steps.count > 1, takers[0].route.payload == .sparkplug {
                lines.append("— after \(HumanText.span(step.at &- first))")
            } else if steps.count > 1 {
                lines.append(
                    "— after \(HumanText.span(step.at &- first)): \(printable(String(decoding: step.payload, as: UTF8.self)))"
                )
            }
            if takers[0].route.payload == .sparkplug {
                lines += EdgeMessageText.lines(topic: topic, payload: step.payload)
            } else if steps.count == 1, !step.isUnderstood {
                // Enough of it to see what was meant.
                lines.append("payload \(printable(String(decoding: step.payload.prefix(200), as: UTF8.self)))")
            }
            switch step.outcome?.result {
            case .samples(0) where step.flaw == nil:
                lines.append(
                    "value   none: the payload has nothing where the route looks, and its tags keep what they have")
            case .samples, .undecodable:
                if let flaw = step.flaw { lines.append(Self.text(flaw)) }
            case .empty, .ignored, nil: break
            case .presence(let isOnline): lines.append("value   the device is \(isOnline ? "online" : "offline")")
            case .keptHeartbeat:
                lines.append(
                    "value   none: the broker had kept this heartbeat, which does not show that the device is there")
            case .unrouted: lines.append("value   no route takes the topic")
            case .refused(let refusal): lines.append("value   refused: \(refusal)")
            }
            for (tag, sample, unit) in step.samples {
                let value = sample.value.map { HumanText.value($0.json) } ?? "–"
                let time =
                    sample.hasSourceTime ? "source time \(ClockText.text(sample.sourceTime))" : "no time of its own"
                lines.append(
                    "tag     \(printable(tag.text)) = \(printable(value))\(unit.map { " \(printable($0))" } ?? "")  quality \(sample.shownQuality)\(sample.isCalledUncertain ? " by its own word" : ""), \(time)"
                )
                if !sample.isRetained, sample.quality == .uncertain, sample.hasSourceTime {
                    lines.append(
                        "        its time and this machine's clock do not agree: uncertain, and nothing is raised, until a gateway has seen how the device's clock runs"
                    )
                }
                lines += description(of: tag)
            }
            for (path, definition, standing) in step.alarms {
                lines.append(
                    "alarm   \(printable(path.alarm)): \(Self.limits(of: definition)) → \(Self.verdict(standing))")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// How many places are named where a message could not be read at all.
    private static let shownPlaces = 5

    /// What the topic is for a route.
    private func description(of taker: Taker, withTags: Bool) -> [String] {
        let route = taker.route
        let template = taker.isPresence ? route.presence?.topic.text ?? "" : route.topic.text
        var lines = ["route   \(printable(route.name)) (\(template))\(taker.isPresence ? ", as presence" : "")"]
        if route.payload == .nothing {
            return lines + ["value   none: payload none, so what comes on such topics is taken and says nothing"]
        }
        if route.payload == .lines, !taker.isPresence {
            let base = route.lineTag?.text ?? "\(topic)/<measurement>/<values of the tags>"
            return lines + [
                "device  as each line says: \(printable(route.device.text))",
                "tags    below \(printable(base)), one for each field",
            ]
        }
        if route.payload == .sparkplug {
            return lines + [
                "device  \(printable(route.device.text)) for the edge node, and the names of its devices below that",
                "tags    below their device, one for each metric of a birth",
            ]
        }
        lines.append(
            "device  \(taker.device.map { printable($0.text) } ?? "none: the topic does not make a device's name")")
        if let heartbeat = route.presence?.heartbeat, taker.isPresence {
            lines.append(
                "silence the device is offline when nothing has come from it, on any topic, for more than \(HumanText.span(heartbeat))"
            )
        }
        guard withTags, let base = taker.tagBase else { return lines }
        for tag in taker.tags {
            lines.append("tag     \(printable(tag.text))")
            lines += description(of: tag)
            for alarm in definitions(of: tag) {
                lines.append("alarm   \(printable(alarm.name)): \(Self.limits(of: alarm))")
            }
        }
        for wildcard in route.wildcards {
            lines.append(
                "tags    \(printable("\(base)/\(wildcard.name)")): what messages have at \(printable("\(wildcard.place)"))"
            )
        }
        return lines
    }

    /// What of a message could not be read, and where.
    private static func text(_ flaw: Flaw) -> String {
        let failure = flaw.failure
        let places = flaw.places.prefix(shownPlaces).map { $0.isEmpty ? "the top" : $0 }.joined(separator: " and ")
        let more = flaw.places.count > shownPlaces ? " and \(flaw.places.count - shownPlaces) more" : ""
        let place = places.isEmpty ? "" : "at \(places)\(more), "
        return switch failure {
        case .invalidTime:
            "time    \(printable("\(place)cannot be read: \(failure)")); the time of reception counts"
        case .birthNeeded:
            "value   none yet: \(failure); in a gateway, the message waits for it or the edge node is asked for one"
        case .metric, .otherDevice: "metric  \(printable("\(failure)"))"
        case .calledBad: "values  bad: \(failure)"
        case .tooManyValues: "tags    \(printable("\(failure)"))"
        default:
            "value   \(printable("\(flaw.tag.map { "of \($0), " } ?? "")\(place)cannot be read: \(failure)"))"
        }
    }

    /// What the configuration says of a tag beside its route.
    private func description(of tag: TagPath) -> [String] {
        let traits = traits(of: tag)
        var parts: [String] = []
        if let description = traits.description { parts.append(description) }
        if let area = traits.area { parts.append("area \(area)") }
        if let range = traits.range {
            parts.append("range \(HumanText.number(range.low)) to \(HumanText.number(range.high))")
        }
        return parts.isEmpty ? [] : ["        " + printable(parts.joined(separator: "; "))]
    }

    private static func limits(of alarm: AlarmDefinition) -> String {
        var parts: [String] = []
        for (name, limit) in [
            ("lowLow", alarm.lowLow), ("low", alarm.low), ("high", alarm.high), ("highHigh", alarm.highHigh),
        ] {
            if let limit { parts.append("\(name) \(HumanText.number(limit.limit)) (\(limit.priority))") }
        }
        if alarm.deadband > 0 { parts.append("deadband \(HumanText.number(alarm.deadband))") }
        if alarm.onDelay > 0 { parts.append("on after \(HumanText.span(alarm.onDelay))") }
        if alarm.offDelay > 0 { parts.append("off after \(HumanText.span(alarm.offDelay))") }
        return parts.joined(separator: ", ")
    }

    private static func verdict(_ standing: AlarmStanding) -> String {
        switch standing {
        case .normal: "not active"
        case .waitingForOnDelay: "not yet active: beyond the limit, waiting for the on-delay"
        case .active(let condition): "active: \(condition)"
        case .waitingForOffDelay(let condition): "active: \(condition), returned, waiting for the off-delay"
        case .frozen(.normal): "not active, and not evaluated until the next good value"
        case .frozen(let condition): "active: \(condition), and not evaluated until the next good value"
        }
    }

    /// The same for programs.
    func json(_ steps: [Step]) -> JSONValue {
        .object([
            "topic": .string(topic), "route": takers.first.map { .string($0.route.name) } ?? .null,
            "routes": .array(takers.map { .string($0.route.name) }),
            "presence": .bool(takers.first?.isPresence ?? false),
            "device": takers.first?.device.map { .string($0.text) } ?? .null,
            "tags": .array(takers.flatMap(\.tags).map { .string($0.text) }),
            "messages": .array(
                steps.map { step in
                    [
                        "at": .integer(step.at), "understood": .bool(step.isUnderstood),
                        "payload": step.isUnderstood
                            ? .null : .string(String(decoding: step.payload.prefix(200), as: UTF8.self)),
                        "reason": step.reason, "tag": step.flawedTag, "place": step.place, "byte": step.byte,
                        "samples": .array(
                            step.samples.map { tag, sample, unit in
                                var members: OrderedDictionary<String, JSONValue> = [
                                    "tag": .string(tag.text), "v": sample.value?.json ?? .null,
                                    "q": .string(sample.shownQuality.name), "t": .integer(sample.sourceTime),
                                    "u": unit.map(JSONValue.string) ?? .null,
                                ]
                                traits(of: tag).write(into: &members)
                                return .object(members)
                            }),
                        "alarms": .array(
                            step.alarms.map { path, _, standing in
                                [
                                    "tag": .string(path.tag.text), "alarm": .string(path.alarm),
                                    "condition": .string(standing.condition.rawValue),
                                    "active": .bool(standing.condition != .normal),
                                ]
                            }),
                    ]
                }),
        ])
    }
}

extension MessageTrial.Step {
    /// Why it, or a part of it, could not be read or taken.
    fileprivate var reason: JSONValue {
        if let flaw { return .string("\(flaw.failure)") }
        if case .refused(let refusal) = outcome?.result { return .string("\(refusal)") }
        return .null
    }

    fileprivate var flawedTag: JSONValue { (flaw?.tag?.text).map(JSONValue.string) ?? .null }
    fileprivate var place: JSONValue { flaw?.place.map(JSONValue.string) ?? .null }
    fileprivate var byte: JSONValue { (flaw?.failure.byte).map { .integer(Int64($0)) } ?? .null }
}
