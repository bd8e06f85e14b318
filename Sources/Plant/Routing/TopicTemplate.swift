/// The topics of a route, such as `factory/{line}/{machine}/{metric}`.
///
/// `{name}` is one level and remembers it; `+` is one level without a name. As the last level, `{name...}` is all that
/// follow (at least one) and `#` is all that follow (or none).
public struct TopicTemplate: Sendable, Hashable, CustomStringConvertible {
    public enum Level: Sendable, Hashable {
        case literal(String)
        case capture(String)
        case any
        /// The remaining levels; nil for `#`.
        case rest(String?)
    }

    public let levels: [Level]
    /// The template as it was given.
    public let text: String
    /// The MQTT filter to subscribe to: every topic that matches the template matches it.
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
            case .rest(let name):
                guard position == parts.count - 1 else { throw .restNotLast(part) }
                if let name, !names.insert(name).inserted { throw .repeatedName(name) }
            }
            levels.append(level)
        }
        self.levels = levels
        self.text = text
        let filter = levels.map { level in
            switch level {
            case .literal(let literal): literal
            case .capture, .any: "+"
            case .rest: "#"
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

    /// The levels of a topic by name; nil when the topic does not match. Only for the first message on a topic.
    public func match(_ topic: String) -> [String: String]? {
        let parts = topic.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        var captures: [String: String] = [:]
        for (position, level) in levels.enumerated() {
            switch level {
            case .rest(let name):
                guard let name else { return captures }
                guard position < parts.count else { return nil }
                captures[name] = String(Substring(topic.utf8[parts[position].startIndex...]))
                return captures
            case .literal(let literal):
                guard position < parts.count, parts[position].elementsEqual(literal.utf8) else { return nil }
            case .any:
                guard position < parts.count else { return nil }
            case .capture(let name):
                guard position < parts.count else { return nil }
                captures[name] = String(Substring(parts[position]))
            }
        }
        return parts.count == levels.count ? captures : nil
    }

    public var description: String { text }
}
