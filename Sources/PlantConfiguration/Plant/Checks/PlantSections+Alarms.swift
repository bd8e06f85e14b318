import Plant

/// Which alarms have no name of their own, watch nothing, or can never fire.
extension PlantSections {
    func checkAlarms(_ delivered: DeliveredTags) {
        let ranges = TagRanges(tags)
        var named: [String: Int] = [:]
        for (index, alarm) in alarms.enumerated() {
            let name = alarm.definition.name
            if let earlier = named[name] {
                alarm.place(["name"]).report(
                    "an alarm named \"\(name)\" stands at \(alarms[earlier].value.location) already",
                    expected: "each name once")
            } else {
                named[name] = index
            }
            if name == GatewayFault.alarmName {
                alarm.place(["name"]).report(
                    "alarm \"\(name)\" has the name of Linekeeper's own alarms about its gateways",
                    expected: "another name")
            }
            let watched = delivered.sources(of: TopicPattern(alarm.definition.tags)).map { routes[$0.route] }
            if watched.isEmpty, !routes.isEmpty {
                alarm.place(["tags"]).warn(
                    "alarm \"\(name)\" watches \(alarm.definition.tags), which no route delivers",
                    expected: "tags of a route")
            }
            checkThatNumbersCome(alarm, watched: watched)
            checkThatLimitsAreWithinRange(alarm, ranges)
        }
    }

    /// Limits are numbers: an alarm is blind on tags that have none.
    private func checkThatNumbersCome(_ alarm: Located<AlarmDefinition>, watched: [Located<RouteDefinition>]) {
        let pattern = TopicPattern(alarm.definition.tags)
        let blind = watched.filter { !$0.definition.canDeliverNumbers(of: pattern) }
        guard let route = blind.first else { return }
        let name = "alarm \"\(alarm.definition.name)\""
        let place = "route \"\(route.definition.name)\" at \(route.value.location)"
        let what =
            route.definition.payload.hasPlaces
            ? "the map of \(place) gives no numbers to compare with limits"
            : "payload: \(route.definition.payload.rawValue) of \(place) gives no numbers to compare with limits"
        if blind.count == watched.count {
            alarm.place(["tags"]).reportTolerated(
                "\(name) can never fire: \(what)",
                expected: "tags with numbers: payload json, cbor or number, or a map to numbers")
        } else {
            alarm.place(["tags"]).warn(
                "\(name) never fires on some of its tags: \(what)",
                expected: "tags with numbers: payload json, cbor or number, or a map to numbers")
        }
    }

    /// An alarm is blind beyond what a sensor can show.
    private func checkThatLimitsAreWithinRange(_ alarm: Located<AlarmDefinition>, _ ranges: TagRanges) {
        let definition = alarm.definition
        let pattern = TopicPattern(definition.tags)
        // An earlier entry may give some of the tags another range.
        guard let (rule, range) = ranges.first(of: pattern), TopicPattern(rule.definition.tags).contains(pattern)
        else { return }
        for (key, limit, isHigh) in [
            ("high", definition.high, true), ("highHigh", definition.highHigh, true), ("low", definition.low, false),
            ("lowLow", definition.lowLow, false),
        ] {
            guard let limit = limit?.limit, isHigh ? limit >= range.high : limit <= range.low else { continue }
            alarm.place([key, "limit"]).warn(
                "alarm \"\(definition.name)\" never fires at its limit \(key): \(limit) is not within the range \(range.low) to \(range.high) of its tags, at \(rule.value.location)",
                expected: "a limit within the range")
        }
    }
}
