/// What messages on one topic would become, tried out on a plant of its own without any connection. A value without I/O.
package struct MessageTrial {
    /// One message, and what became of it.
    package struct Step {
        package var payload: [UInt8]
        package var at: Milliseconds
        package var outcome: MessageOutcome?
        /// What of it could not be read first.
        package var flaw: Flaw?
        package var samples: [(tag: TagPath, sample: Sample, unit: String?)]
        /// Every alarm of those tags, and where it stands after the message.
        package var alarms: [(path: AlarmPath, definition: AlarmDefinition, standing: AlarmStanding)]

        package init(
            payload: [UInt8], at: Milliseconds, outcome: MessageOutcome?, flaw: Flaw?,
            samples: [(tag: TagPath, sample: Sample, unit: String?)],
            alarms: [(path: AlarmPath, definition: AlarmDefinition, standing: AlarmStanding)]
        ) {
            self.payload = payload
            self.at = at
            self.outcome = outcome
            self.flaw = flaw
            self.samples = samples
            self.alarms = alarms
        }

        /// Whether every value of it could be read.
        package var isUnderstood: Bool { MessageTrial.isUnderstood(outcome, samples.map(\.sample)) }
    }

    /// Whether every value of a message could be read.
    package static func isUnderstood(_ outcome: MessageOutcome?, _ samples: [Sample]) -> Bool {
        switch outcome?.result {
        case .samples, .presence, .keptHeartbeat, .empty, .ignored:
            // A time that cannot be read costs no value.
            samples.allSatisfy { $0.quality != .bad }
                && (outcome?.flaw.map { [.calledBad, .invalidTime].contains($0.failure) } ?? true)
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

    /// What the topic is for a route that takes it.
    package struct Taker {
        package let route: RouteDefinition
        /// Whether as a device's own word about being there.
        package let isPresence: Bool
        /// The device whose topic it is; nil when the topic does not make a device's name.
        package let device: TagPath?
        /// The path that the tags of the topic have, or have their names below; nil when it has none.
        package let tagBase: TagPath?

        /// The tags that a message on the topic always has.
        package var tags: [TagPath] { tagBase.flatMap { try? route.tagPaths(base: $0) } ?? [] }

        init(_ route: RouteDefinition, isPresence: Bool, topic: String) {
            self.route = route
            self.isPresence = isPresence
            let captures = isPresence ? route.presence?.topic.match(topic) : route.topic.match(topic)
            device =
                route.payload == .nothing || route.payload == .sparkplug
                ? nil : captures.flatMap { try? route.devicePath($0) }
            let path = isPresence ? nil : try? TagPath(topic)
            tagBase = path.flatMap { path in captures.flatMap { try? route.tagBase(topic: path, $0) } }
        }
    }

    /// The routes that take the topic, in the order in which they are asked; several where the first ones continue.
    package var takers: [Taker] {
        Ingest(routes: routes).routes(of: topic).map { Taker($0.route, isPresence: $0.isPresence, topic: topic) }
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
                flaw: flaw(of: outcome, in: payload, tags: plant.tags),
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

    /// What the configuration says of a tag beside its route.
    package func traits(of tag: TagPath) -> TagTraits { rules.traits(of: tag) }
}
