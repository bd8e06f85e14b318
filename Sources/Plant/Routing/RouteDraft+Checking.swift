import JSON

extension RouteDraft {
    /// All mistakes of one route.
    public struct Mistakes: Error, Hashable, Sendable, CustomStringConvertible {
        public let all: [RouteMistake]

        public var description: String { all.map(\.description).joined(separator: "\n") }
    }

    /// Checks everything and gives the route, or every mistake at once.
    public func checked() throws(Mistakes) -> RouteDefinition {
        var check = RouteCheck()
        let route = check.route(self)
        guard let route, check.mistakes.isEmpty else { throw Mistakes(all: check.mistakes) }
        return route
    }

    /// Names that are given to more than one of these routes, as mistakes by index; the first holder keeps its name.
    public static func duplicateNames(in drafts: [RouteDraft]) -> [(index: Int, mistake: RouteMistake)] {
        var seen: Set<String> = []
        return drafts.indices.compactMap { index in
            seen.insert(drafts[index].name).inserted ? nil : (index, RouteMistake(.name, .duplicateName))
        }
    }
}

/// Collects the mistakes of one route while it is being put together.
private struct RouteCheck {
    var mistakes: [RouteMistake] = []

    mutating func route(_ draft: RouteDraft) -> RouteDefinition? {
        if draft.name.isEmpty { note(.name, .missing(expected: "a name for the route")) }
        let topic = topicTemplate(draft.topic, field: .topic)
        let payload = draft.payload
        if payload == .nothing { noteUseless(draft) }
        if payload == .sparkplug { checkSparkplug(draft, topic) }
        var valueCheck = RouteValueCheck(draft: draft)
        valueCheck.check()
        mistakes += valueCheck.mistakes
        var device: TextTemplate?
        if let topic { device = deviceTemplate(draft, topic: topic) }
        let tag = payload == .lines ? nil : topic.flatMap { tagTemplate(draft.tag, topic: $0) }
        let lineTag = payload == .lines ? draft.tag.flatMap { textTemplate($0, field: .tag) } : nil
        let time = draft.time.flatMap { onePlace($0, field: .time) }
        if draft.time != nil, !payload.hasPlaces || payload == .lines { note(.time, .notForPayload(draft.payload)) }
        let each = draft.each.flatMap { onePlace($0, field: .each) }
        if draft.each != nil, !payload.hasPlaces || payload == .lines { note(.each, .notForPayload(draft.payload)) }
        if draft.timeZone != nil, payload == .lines { note(.time, .zoneOfLines) }
        if draft.isTimeName, draft.each == nil { note(.time, .nameWithoutEach) }
        let quality = draft.quality.flatMap { $0.rule(for: payload) { note(.quality, $0) } }
        if let staleAfter = draft.staleAfter, staleAfter <= 0 { note(.staleAfter, .notPositive) }
        if draft.reporting == .periodic, draft.staleAfter == nil { note(.reporting, .periodicForEver) }
        if case .rule(let rule) = draft.flapping { check(rule) }
        let deadbands = draft.deadband.compactMap { deadbandRule($0) }
        let units = unitRules(draft)
        guard let topic, let device else { return nil }
        var presence: RouteDefinition.Presence?
        if let draft = draft.presence { presence = presenceRule(draft, device: device, routeTopic: topic) }
        return RouteDefinition(
            name: draft.name, topic: topic, continues: draft.continues, device: device, tag: tag, lineTag: lineTag,
            payload: payload,
            values: valueCheck.values,
            wildcards: valueCheck.wildcards, each: each, time: time, isTimeName: draft.isTimeName,
            timeUnit: draft.timeUnit, timeZone: draft.timeZone, quality: quality, units: units,
            staleAfter: draft.staleAfter,
            reporting: draft.reporting, deadbands: deadbands, presence: presence, flapping: draft.flapping)
    }

    private mutating func check(_ rule: FlappingRule) {
        if !FlappingRule.lossesRange.contains(rule.losses) { note(.flapping("losses"), .lossesOutOfRange) }
        if rule.within <= 0 { note(.flapping("within"), .notPositive) }
        if rule.steadyFor <= 0 { note(.flapping("steadyFor"), .notPositive) }
    }

    private mutating func note(_ field: RouteMistake.Field, _ reason: RouteMistake.Reason) {
        mistakes.append(RouteMistake(field, reason))
    }

    /// Of a route whose messages say nothing.
    private mutating func noteUseless(_ draft: RouteDraft) {
        let useless: [(RouteMistake.Field, Bool)] = [
            (.continue, draft.continues), (.device, draft.device != nil), (.tag, draft.tag != nil),
            (.unit, draft.unit != nil),
            (.units(entry: nil), !draft.units.isEmpty),
            (.staleAfter, draft.staleAfter != nil), (.reporting, draft.reporting != nil),
            (.deadband(entry: nil), !draft.deadband.isEmpty), (.presence, draft.presence != nil),
            (.flapping(nil), draft.flapping != nil),
        ]
        for (field, isGiven) in useless where isGiven { note(field, .notForPayload(draft.payload)) }
    }

    /// Of a route for Sparkplug B: what its messages say themselves, the route does not say.
    private mutating func checkSparkplug(_ draft: RouteDraft, _ topic: TopicTemplate?) {
        let useless: [(RouteMistake.Field, Bool)] = [
            (.continue, draft.continues), (.tag, draft.tag != nil), (.quality, draft.quality != nil),
            (.reporting, draft.reporting != nil), (.presence, draft.presence != nil),
            (.flapping(nil), draft.flapping != nil),
        ]
        for (field, isGiven) in useless where isGiven { note(field, .notForPayload(draft.payload)) }
        if draft.isTimeName || draft.timeUnit != nil || draft.timeZone != nil, draft.time == nil {
            note(.time, .notForPayload(draft.payload))
        }
        if let topic, RouteDefinition.sparkplugGroup(of: topic) == nil { note(.topic, .sparkplugTopic) }
    }

    private mutating func topicTemplate(_ text: String, field: RouteMistake.Field) -> TopicTemplate? {
        do {
            return try TopicTemplate(text)
        } catch {
            note(
                field,
                error == .empty
                    ? .missing(expected: "a topic such as factory/{line}/{machine}/{metric}") : .template(error))
            return nil
        }
    }

    private mutating func pointer(_ text: String, field: RouteMistake.Field) -> JSONPointer? {
        do {
            return try JSONPointer(text)
        } catch {
            note(field, .pointer(error))
            return nil
        }
    }

    private mutating func filter(_ text: String, field: RouteMistake.Field) -> TopicFilter? {
        do {
            return try TopicFilter(text)
        } catch {
            note(field, .filter(error))
            return nil
        }
    }

    private mutating func deviceTemplate(_ draft: RouteDraft, topic: TopicTemplate) -> TextTemplate? {
        // Its topics make no device.
        if draft.payload == .nothing { return try? TextTemplate("none") }
        guard let text = draft.device ?? defaultDevice(draft, topic: topic) else {
            note(.device, .missing(expected: "the device that a topic belongs to, such as factory/{line}/{machine}"))
            return nil
        }
        do {
            let device = try TextTemplate(text)
            // What else a line has is for the line to show.
            let known =
                switch draft.payload {
                case .lines: Set(topic.names + device.names).sorted()
                case .sparkplug: RouteDefinition.sparkplugNames
                default: topic.names
                }
            for name in device.names where !known.contains(name) {
                note(.device, .unknownPlaceholder(name, known: known))
                return nil
            }
            if draft.payload == .sparkplug {
                for name in RouteDefinition.namesNeeded(bySparkplugTopic: topic) where !device.names.contains(name) {
                    note(.device, .nameNotInDevice(name))
                }
            }
            // A name that no topic could ever fill is better found now than at the first message.
            _ = try TagPath(device.filled(Dictionary(uniqueKeysWithValues: known.map { ($0, "x") })) ?? "")
            return device
        } catch let error as TemplateMistake {
            note(.device, .template(error))
        } catch let error as TagPath.Refusal {
            note(.device, .path(error))
        } catch {
            note(.device, .missing(expected: "a device"))
        }
        return nil
    }

    private mutating func textTemplate(_ text: String, field: RouteMistake.Field) -> TextTemplate? {
        do {
            let template = try TextTemplate(text)
            // What cannot be a path whatever the names stand for.
            _ = try TagPath(template.filled(Dictionary(uniqueKeysWithValues: template.names.map { ($0, "x") })) ?? "")
            return template
        } catch let error as TagPath.Refusal {
            note(field, .path(error))
        } catch {
            if let mistake = error as? TemplateMistake { note(field, .template(mistake)) }
        }
        return nil
    }

    private mutating func tagTemplate(_ text: String?, topic: TopicTemplate) -> TagTemplate? {
        guard let text else { return nil }
        do throws(TagTemplate.Mistake) {
            return try TagTemplate(text, topic: topic)
        } catch {
            switch error {
            case .template(let mistake): note(.tag, .template(mistake))
            case .unknownName(let name): note(.tag, .unknownPlaceholder(name, known: topic.names))
            case .missingName(let name): note(.tag, .nameNotInTag(name))
            case .namelessLevel: note(.tag, .namelessLevel)
            }
            return nil
        }
    }

    /// The topic without its last level when that level is the tag; nil when it cannot be said by names alone.
    private func defaultDevice(_ draft: RouteDraft, topic: TopicTemplate) -> String? {
        if draft.payload == .sparkplug { return RouteDefinition.defaultSparkplugDevice }
        let isTag = draft.values.isEmpty && draft.payload != .lines
        let levels = isTag && topic.levels.count > 1 ? topic.levels.dropLast() : topic.levels[...]
        var parts: [String] = []
        for level in levels {
            switch level {
            case .literal(let literal): parts.append(literal)
            case .capture(let name): parts.append("{\(name)}")
            case .rest(let name?): parts.append("{\(name)}")
            case .any, .rest(nil): return nil
            }
        }
        return parts.joined(separator: "/")
    }

    /// A place without wildcards, for what a message has once.
    private mutating func onePlace(_ text: String, field: RouteMistake.Field) -> JSONPointer? {
        guard let pointer = pointer(text, field: field) else { return nil }
        if pointer.tokens.contains("+") || pointer.tokens.contains("#") { note(field, .wildcardInValue) }
        return pointer
    }

    private mutating func deadbandRule(_ entry: RouteDraft.Entry<RouteDraft.Deadband>) -> RouteDefinition.Deadband? {
        let field = RouteMistake.Field.deadband(entry: entry.key)
        let deadband = entry.value
        guard deadband.change.isFinite, deadband.change >= 0 else {
            note(field, .notFinite)
            return nil
        }
        if deadband.isPercent, deadband.change > 100 { note(field, .moreThanAll) }
        return filter(entry.key, field: field).map {
            .init(
                tags: $0, change: deadband.isPercent ? .percent(deadband.change) : .absolute(deadband.change),
                maximumSilence: deadband.maximumSilence)
        }
    }

    private mutating func unitRules(_ draft: RouteDraft) -> [RouteDefinition.UnitRule] {
        var rules: [RouteDefinition.UnitRule] = []
        for entry in draft.units {
            guard let filter = filter(entry.key, field: .units(entry: entry.key)) else { continue }
            rules.append(.init(tags: filter, unit: entry.value))
        }
        if let unit = draft.unit, let all = filter("#", field: .unit) { rules.append(.init(tags: all, unit: unit)) }
        return rules
    }

    private mutating func presenceRule(
        _ draft: RouteDraft.Presence, device: TextTemplate, routeTopic: TopicTemplate
    ) -> RouteDefinition.Presence? {
        let online = draft.online ?? (draft.heartbeat == nil ? "online" : nil)
        if online?.isEmpty == true {
            note(.presenceOnline, .missing(expected: "the payload of a device that is there"))
        }
        if draft.offline.isEmpty { note(.presenceOffline, .missing(expected: "the payload of a device that is gone")) }
        if online == draft.offline { note(.presenceOffline, .samePayloads) }
        if let heartbeat = draft.heartbeat, heartbeat <= 0 { note(.presenceHeartbeat, .notPositive) }
        let place = draft.value.flatMap { pointer($0, field: .presenceValue) }
        var deviceText = device.text
        for case .rest(let name?) in routeTopic.levels {
            // What has several levels in the route's topics has them here, too.
            deviceText = deviceText.replacing("{\(name)}", with: "{\(name)...}")
        }
        let text = draft.topic.replacing("{device}", with: deviceText)
        guard let topic = topicTemplate(text, field: .presenceTopic) else {
            if draft.topic.utf8.count != text.utf8.count, mistakes.last?.reason.isPartOfLevel == true {
                mistakes[mistakes.count - 1] = RouteMistake(.presenceTopic, .deviceNotInLevels)
            }
            return nil
        }
        for name in device.names where !topic.names.contains(name) {
            note(.presenceTopic, .unknownPlaceholder(name, known: topic.names))
            return nil
        }
        // Else what a device says of itself would be another device's, or a value.
        for name in device.names where topic.severalLevels.contains(name) != routeTopic.severalLevels.contains(name) {
            note(.presenceTopic, .levelsDiffer(name))
            return nil
        }
        return .init(
            topic: topic, online: online.map { Array($0.utf8) }, offline: Array(draft.offline.utf8), pointer: place,
            heartbeat: draft.heartbeat)
    }
}

extension RouteMistake.Reason {
    fileprivate var isPartOfLevel: Bool {
        if case .template(.partOfLevel) = self { true } else { false }
    }
}
