import Primitives

/// What a gateway's routes are, in sixteen digits: gateways with different routes hear different topics, or make different
/// tags of the same ones, and must not share the work.
///
/// Made of the routes' meaning, not of the file: comments, order of members and spelling do not count. The form of the text
/// that is hashed is part of the contract between versions; what is added to it must leave out what a route does not use.
public enum RoutesDigest {
    public static func of(_ routes: [RouteDefinition]) -> String {
        let text = routes.map(line(of:)).sorted().joined(separator: "\n")
        let digits = String(StableHash.mixed(StableHash.fnv1a(text.utf8)), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func line(of route: RouteDefinition) -> String {
        var parts = ["topic \(route.topic.text)", "device \(route.device.text)", payload(route.payload)]
        if let time = route.time { parts.append("time \(time)") }
        if let stale = route.staleAfter { parts.append("staleAfter \(stale)") }
        if let reporting = route.reporting { parts.append("reporting \(reporting.rawValue)") }
        for unit in route.units { parts.append("unit \(unit.tags.text) \(unit.unit)") }
        for deadband in route.deadbands { parts.append("deadband \(deadband.tags.text) \(deadband.width)") }
        if let presence = route.presence {
            parts.append("presence \(presence.topic.text)")
            parts.append("online \(presence.online) offline \(presence.offline)")
            if let pointer = presence.pointer { parts.append("at \(pointer)") }
        }
        return parts.map { $0.debugDescription }.joined(separator: " ")
    }

    private static func payload(_ payload: RouteDefinition.Payload) -> String {
        switch payload {
        case .json(let value): "json \(value)"
        case .jsonValues(let values): "json " + values.map { "\($0.name)=\($0.pointer)" }.joined(separator: ",")
        case .number: "number"
        case .text: "text"
        case .bool: "bool"
        }
    }
}
