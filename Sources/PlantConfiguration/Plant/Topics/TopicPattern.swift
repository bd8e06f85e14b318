import Plant

/// A set of topics, tags or devices as levels: what a filter and a route's template have in common, so that two of them
/// can be compared before any message has come.
struct TopicPattern: Sendable, Equatable {
    enum Level: Sendable, Equatable {
        case literal(String)
        case any
        /// Any number of levels, none included.
        case rest
    }

    var levels: [Level]

    init(levels: [Level]) { self.levels = levels }

    init(_ filter: TopicFilter) {
        levels = filter.text.split(separator: "/", omittingEmptySubsequences: false).map { part in
            switch part {
            case "+": .any
            case "#": .rest
            default: .literal(String(part))
            }
        }
    }

    init(_ template: TopicTemplate) {
        levels = template.levels.flatMap { level -> [Level] in
            switch level {
            case .literal(let text): [.literal(text)]
            case .capture, .any: [.any]
            case .rest(nil): [.rest]
            case .rest: [.any, .rest]
            }
        }
    }

    /// A text with placeholders, each of which stands for one level or for a part of one.
    init(_ template: TextTemplate) {
        var marked = ""
        for segment in template.segments {
            switch segment {
            case .literal(let text): marked += text
            case .placeholder: marked += "+"
            }
        }
        levels = marked.split(separator: "/", omittingEmptySubsequences: false).map { part in
            part.contains("+") ? .any : .literal(String(part))
        }
    }

    func appending(_ text: String) -> TopicPattern {
        TopicPattern(
            levels: levels + text.split(separator: "/", omittingEmptySubsequences: false).map { .literal(String($0)) })
    }

    /// Whether something can belong to both.
    func overlaps(_ other: TopicPattern) -> Bool {
        var index = 0
        while true {
            let mine = index < levels.count ? levels[index] : nil
            let theirs = index < other.levels.count ? other.levels[index] : nil
            switch (mine, theirs) {
            case (.rest, _), (_, .rest), (nil, nil): return true
            case (nil, _), (_, nil): return false
            case (.literal(let one), .literal(let two)) where one != two: return false
            case (.literal, _), (.any, _): break
            }
            index += 1
        }
    }

    /// Whether everything that belongs to `other` belongs to this one.
    func contains(_ other: TopicPattern) -> Bool {
        var index = 0
        while true {
            let mine = index < levels.count ? levels[index] : nil
            let theirs = index < other.levels.count ? other.levels[index] : nil
            switch (mine, theirs) {
            case (.rest, _), (nil, nil): return true
            case (nil, _), (_, nil), (_, .rest): return false
            case (.literal(let one), .literal(let two)): if one != two { return false }
            case (.literal, .any): return false
            case (.any, _): break
            }
            index += 1
        }
    }
}

extension RouteDefinition {
    /// The tags that can come of this route.
    var tagPatterns: [TopicPattern] {
        let topic = TopicPattern(topic)
        switch payload {
        case .jsonValues(let values): return values.map { topic.appending($0.name) }
        case .json, .number, .text, .bool: return [topic]
        }
    }

    /// The devices that can come of this route.
    var devicePattern: TopicPattern { TopicPattern(device) }

    /// Whether a limit can be compared with what it delivers.
    var canDeliverNumbers: Bool {
        switch payload {
        case .json, .jsonValues, .number: true
        case .bool, .text: false
        }
    }
}

extension RouteDefinition.Payload {
    /// As in the configuration.
    var name: String {
        switch self {
        case .json, .jsonValues: "json"
        case .number: "number"
        case .bool: "bool"
        case .text: "text"
        }
    }
}
