/// The topics of a route, such as `factory/{line}/{machine}/{metric}`.
///
/// `{name}` is one level and remembers it; `+` is one level without a name. `{name...}` is one level or several, once in a
/// template and with any levels after it: `zigbee2mqtt/{name...}/availability`. As the last level, `#` is all that follow
/// (or none).
public struct TopicTemplate: Sendable, Hashable, CustomStringConvertible {
    public enum Level: Sendable, Hashable {
        case literal(String)
        case capture(String)
        case any
        /// One level or several, as many as the levels after it leave; nil for `#`, which can also be none.
        case rest(String?)
    }

    public let levels: [Level]
    /// The template as it was given.
    public let text: String
    /// The MQTT filter to subscribe to: every topic that matches the template matches it. MQTT has no filter for levels after
    /// several others, so what comes of it may match no template.
    public let subscriptionFilter: TopicFilter

    public init(_ text: String) throws(TemplateMistake) {
        guard !text.isEmpty else { throw .empty }
        guard text.utf8.count <= TagPath.lengthLimit else { throw .tooLong(bytes: text.utf8.count) }
        guard !text.utf8.contains(0) else { throw .nul }
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map {
            String(Substring($0))
        }
        guard parts.count <= TagPath.levelLimit else { throw .tooManyLevels(parts.count) }
        var levels: [Level] = []
        var names: Set<String> = []
        for (position, part) in parts.enumerated() {
            let level = try Self.level(part)
            switch level {
            case .literal, .any: break
            case .capture(let name):
                guard names.insert(name).inserted else { throw .repeatedName(name) }
            case .rest(nil):
                guard position == parts.count - 1 else { throw .restNotLast(part) }
            case .rest(let name?):
                guard names.insert(name).inserted else { throw .repeatedName(name) }
            }
            if case .rest = level, levels.contains(where: \.isRest) { throw .severalRests(part) }
            levels.append(level)
        }
        self.levels = levels
        self.text = text
        var filter: [String] = []
        loop: for level in levels {
            switch level {
            case .literal(let literal): filter.append(literal)
            case .capture, .any: filter.append("+")
            case .rest:
                filter.append("#")
                break loop
            }
        }
        do {
            subscriptionFilter = try TopicFilter(filter.joined(separator: "/"))
        } catch {
            // Levels were checked above; a filter can still refuse what they spell only by being empty.
            throw .empty
        }
    }

    private static func level(_ part: String) throws(TemplateMistake) -> Level {
        if part == "+" { return .any }
        if part == "#" { return .rest(nil) }
        guard !part.utf8.contains(UInt8(ascii: "+")), !part.utf8.contains(UInt8(ascii: "#")) else {
            throw .misplacedWildcard(part)
        }
        let segments = try TextTemplate.segments(of: part, allowRest: true)
        if segments.count > 1 { throw .partOfLevel(part) }
        switch segments.first {
        case nil: return .literal("")
        case .literal(let literal): return .literal(literal)
        case .placeholder(let name):
            return name.hasSuffix("...") ? .rest(String(name.dropLast(3))) : .capture(name)
        }
    }

    /// The names that a match gives, in order.
    public var names: [String] {
        levels.compactMap { level in
            switch level {
            case .capture(let name): name
            case .rest(let name): name
            case .literal, .any: nil
            }
        }
    }

    /// The names that stand for several levels: one at most.
    var severalLevels: Set<String> {
        Set(levels.compactMap { if case .rest(let name) = $0 { name } else { nil } })
    }

    /// The levels of a topic by name; nil when the topic does not match. Only for the first message on a topic.
    public func match(_ topic: String) -> [String: String]? {
        let parts = topic.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let rest = levels.firstIndex(where: \.isRest)
        // What a rest takes beyond one level.
        let surplus = parts.count - levels.count
        switch rest.map({ levels[$0] }) {
        case nil: guard surplus == 0 else { return nil }
        case .rest(nil): guard surplus >= -1 else { return nil }
        default: guard surplus >= 0 else { return nil }
        }
        var captures: [String: String] = [:]
        for (position, level) in levels.enumerated() {
            let place = position + (rest.map { position > $0 } ?? false ? surplus : 0)
            switch level {
            case .any, .rest(nil): break
            case .literal(let literal): guard parts[place].elementsEqual(literal.utf8) else { return nil }
            case .capture(let name): captures[name] = String(Substring(parts[place]))
            case .rest(let name?):
                captures[name] = String(
                    Substring(topic.utf8[parts[place].startIndex..<parts[place + surplus].endIndex]))
            }
        }
        return captures
    }

    public var description: String { text }
}

extension TopicTemplate.Level {
    fileprivate var isRest: Bool { if case .rest = self { true } else { false } }
}
