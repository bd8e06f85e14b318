package import JSON

/// What messages on one topic would become, tried out on a plant of its own without any connection. A value without I/O.
package struct MessageTrial {
    /// One message, and what became of it.
    package struct Step {
        package var payload: [UInt8]
        package var at: Milliseconds
        package var outcome: MessageOutcome?
        /// The first value that could not be read while others could, and where it stands.
        package var flaw: (tag: TagPath, place: JSONPointer)?
        package var samples: [(tag: TagPath, sample: Sample, unit: String?)]
        /// Every alarm of those tags, and where it stands after the message.
        package var alarms: [(path: AlarmPath, definition: AlarmDefinition, standing: AlarmStanding)]

        /// Whether every value of it could be read.
        package var isUnderstood: Bool { MessageTrial.isUnderstood(outcome, samples.map(\.sample)) }
    }

    /// Whether every value of a message could be read.
    package static func isUnderstood(_ outcome: MessageOutcome?, _ samples: [Sample]) -> Bool {
        switch outcome?.result {
        case .samples, .presence, .empty, .ignored: samples.allSatisfy { $0.quality != .bad }
        case .undecodable, .unrouted, .refused, nil: false
        }
    }

    package let topic: String
    private let isRetained: Bool
    private let routes: [RouteDefinition]
    private let rules: TagRules
    private let alarms: [AlarmDefinition]
    private let limits: IngestLimits

    /// - Parameter isRetained: Whether the broker had kept the messages.
    package init(
        topic: String, isRetained: Bool, routes: [RouteDefinition], rules: TagRules, alarms: [AlarmDefinition],
        limits: IngestLimits = IngestLimits()
    ) {
        self.topic = topic
        self.isRetained = isRetained
        self.routes = routes
        self.rules = rules
        self.alarms = alarms
        self.limits = limits
    }

    /// The route that takes the topic, and whether as a device's own word about being there.
    package var route: (route: RouteDefinition, isPresence: Bool)? { Ingest(routes: routes).route(of: topic) }

    /// The device whose topic it is; nil when the topic does not make a device's name.
    package var device: TagPath? {
        guard let (route, isPresence) = route, route.payload != .nothing else { return nil }
        let captures = isPresence ? route.presence?.topic.match(topic) : route.topic.match(topic)
        return captures.flatMap { try? route.devicePath($0) }
    }

    /// The tags that a message on the topic always has.
    package var tags: [TagPath] {
        guard let tagBase, let (route, _) = route else { return [] }
        return (try? route.tagPaths(base: tagBase)) ?? []
    }

    /// The path that the tags of the topic have, or have their names below; nil when it has none.
    package var tagBase: TagPath? {
        guard let (route, isPresence) = route, !isPresence, let path = try? TagPath(topic) else { return nil }
        return route.topic.match(topic).flatMap { try? route.tagBase(topic: path, $0) }
    }

    /// The alarms that are defined on a tag.
    package func definitions(of tag: TagPath) -> [AlarmDefinition] { alarms.filter { $0.tags.matches(tag) } }

    /// Takes the payloads one after the other, as a gateway that has been listening for a while would.
    package func steps(payloads: [[UInt8]], start: Milliseconds, interval: Milliseconds) -> [Step] {
        guard var plant = try? LivePlant(routes: routes, rules: rules, alarms: alarms, limits: limits) else {
            return []
        }
        let topic = Array(topic.utf8)
        return payloads.enumerated().map { index, payload in
            let at = start &+ interval &* Int64(index)
            // Everything is heard here the moment it is said.
            _ = plant.heard(through: at, at: at)
            var samples: [Sample] = []
            var effects = LivePlant.Effects()
            let outcome = plant.messageReceived(
                topic: topic.span, payload: payload.span, retained: isRetained, receivedAt: at, effects: &effects,
                observe: { samples.append($0) })
            _ = plant.heard(through: at, at: at)
            return Step(
                payload: payload, at: at, outcome: outcome,
                flaw: outcome?.flaw?.tag.flatMap { place(of: plant.tags[$0].path) },
                samples: samples.map { sample in
                    let tag = plant.tags[sample.tag]
                    return (tag.path, sample, tag.unit)
                },
                alarms: samples.flatMap { sample in
                    let tag = plant.tags[sample.tag].path
                    return plant.alarmConditions(of: tag).map { definition, standing in
                        (AlarmPath(tag: tag, alarm: definition.name), definition, standing)
                    }
                })
        }
    }

    private func place(of tag: TagPath) -> (tag: TagPath, place: JSONPointer)? {
        guard let tagBase, let (route, _) = route else { return nil }
        let name = tag.levels.dropFirst(tagBase.levels.count)
        return route.values(named: name).first.map { (tag, $0.place) }
    }

    /// What the configuration says of a tag beside its route.
    package func traits(of tag: TagPath) -> TagTraits { rules.traits(of: tag) }
}
