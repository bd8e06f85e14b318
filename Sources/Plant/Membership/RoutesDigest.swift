import Primitives

/// What a gateway's routes are, in sixteen digits: gateways with different routes hear different topics, or make different
/// tags of the same ones, and must not share the work.
///
/// Made of the routes' meaning, not of the file: comments, order of members and spelling do not count. The form of the text
/// that is hashed is part of the contract between versions; what is added to it must leave out what a route does not use.
public enum RoutesDigest {
    public static func of(_ routes: [RouteDefinition]) -> String {
        let lines = routes.map(line(of:))
        // What says nothing takes its topics from the routes after it, and what continues shares them.
        let text = (routes.contains { $0.payload == .nothing || $0.continues } ? lines : lines.sorted()).joined(
            separator: "\n")
        let digits = String(StableHash.mixed(StableHash.fnv1a(text.utf8)), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func line(of route: RouteDefinition) -> String {
        var parts = ["topic \(route.topic.text)", "device \(route.device.text)", payload(route)]
        if let tag = route.lineTag { parts.append("tag \(tag.text)") }
        if route.continues { parts.append("continue") }
        if let tag = route.tag { parts.append("tag \(tag.text)") }
        parts += values(route)
        if let each = route.each { parts.append("each \(each)") }
        if let time = route.time { parts.append("time \(time)") }
        if route.isTimeName { parts.append("time of name") }
        if let unit = route.timeUnit { parts.append("timeUnit \(unit.rawValue)") }
        if let zone = route.timeZone { parts.append("timeZone \(zone.name)") }
        if let quality = route.quality {
            parts.append("quality " + text(quality))
        }
        if let stale = route.staleAfter { parts.append("staleAfter \(stale)") }
        if let reporting = route.reporting { parts.append("reporting \(reporting.rawValue)") }
        for unit in route.units { parts.append("unit \(unit.tags.text) \(unit.unit)") }
        for deadband in route.deadbands {
            let change =
                switch deadband.change {
                case .absolute(let width): "\(width)"
                case .percent(let percent): "\(percent) %"
                }
            parts.append("deadband \(deadband.tags.text) \(change)")
            if let silence = deadband.maximumSilence { parts.append("maximumSilence \(silence)") }
        }
        if let presence = route.presence {
            parts.append("presence \(presence.topic.text)")
            parts.append("online \(presence.online.map { "\($0)" } ?? "any") offline \(presence.offline)")
            if let pointer = presence.pointer { parts.append("at \(pointer)") }
            if let heartbeat = presence.heartbeat { parts.append("heartbeat \(heartbeat)") }
        }
        switch route.flapping {
        case nil: break
        case .off: parts.append("flapping off")
        case .rule(let rule): parts.append("flapping \(rule.losses) \(rule.within) \(rule.steadyFor)")
        }
        return parts.map { $0.debugDescription }.joined(separator: " ")
    }

    private static func payload(_ route: RouteDefinition) -> String {
        switch route.payload {
        case .json where route.isSingle, .cbor where route.isSingle, .lines where route.isSingle:
            "\(route.payload.rawValue) \(route.values.map { "\($0.place)" }.joined())"
        case .json, .cbor, .lines:
            route.payload.rawValue + " " + route.values.map { "\($0.name ?? "")=\($0.place)" }.joined(separator: ",")
        case .number, .text, .bool, .bytes, .sparkplug, .nothing: route.payload.rawValue
        }
    }

    /// What is made of the values, and which are learnt.
    private static func values(_ route: RouteDefinition) -> [String] {
        var parts: [String] = []
        for value in route.values {
            let name = value.name ?? ""
            if let conversion = value.conversion { parts.append("conversion \(name) \(text(conversion))") }
            if let fallback = value.fallback { parts.append("default \(name) \(fallback.json)") }
            if let unit = value.unit { parts.append("unitOf \(name) \(unit)") }
            if let quality = value.quality { parts.append("qualityOf \(name) " + text(quality)) }
        }
        for wildcard in route.wildcards {
            parts.append("wildcards \(wildcard.name.text) \(wildcard.place)")
            for filter in wildcard.except { parts.append("except \(filter.text)") }
            if let conversion = wildcard.conversion { parts.append("conversion \(text(conversion))") }
            if let unit = wildcard.unit { parts.append("unitOf \(unit)") }
        }
        return parts
    }

    private static func text(_ quality: QualityRule) -> String {
        func sorted(_ words: [String]) -> [String] { words.sorted { $0.precedesByBytes($1) } }
        let uncertain = quality.uncertain.isEmpty ? "" : " uncertain \(sorted(quality.uncertain))"
        return "\(quality.place) \(sorted(quality.good))" + uncertain
    }

    private static func text(_ conversion: ValueConversion) -> String {
        let words = conversion.words.sorted { $0.key.precedesByBytes($1.key) }.map { "\($0.key)=\($0.value.json)" }
        return "\(words) \(conversion.suffixes) \(conversion.hasDecimalComma) \(conversion.scale) \(conversion.offset)"
    }
}
