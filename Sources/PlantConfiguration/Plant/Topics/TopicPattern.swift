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

    init(_ devices: CommandDevices) {
        self = devices.template.map { TopicPattern($0) } ?? TopicPattern(devices.filter)
    }

    /// A command's topic, for the devices that know the command.
    init(_ template: DeviceTemplate, devices: CommandDevices) {
        var marks: [String] = []
        for level in TopicPattern(devices).levels {
            switch level {
            case .literal(let text): marks.append(text)
            case .any: marks.append("+")
            case .rest: if marks.last == "+" { marks[marks.count - 1] = "#" } else { marks.append("#") }
            }
        }
        var marked = template.text.replacing("{device}", with: marks.joined(separator: "/"))
        for name in template.placeholders {
            marked = marked.replacing("{\(name)}", with: devices.severalLevels.contains(name) ? "#" : "+")
        }
        self.init(marked: marked)
    }

    /// Text in which `+` stands for one level, or a part of one, and `#` for several.
    private init(marked: String) {
        levels = marked.split(separator: "/", omittingEmptySubsequences: false).flatMap { part -> [Level] in
            if part.contains("#") { return [.any, .rest] }
            return part.contains("+") ? [.any] : [.literal(String(part))]
        }
    }

    /// A text with placeholders, each of which stands for one level or for a part of one; those of `severalLevels` for
    /// several.
    init(_ template: TextTemplate, severalLevels: Set<String> = []) {
        var marked = ""
        for segment in template.segments {
            switch segment {
            case .literal(let text): marked += text
            case .placeholder(let name): marked += severalLevels.contains(name) ? "#" : "+"
            }
        }
        self.init(marked: marked)
    }

    /// Whether the first level is fixed. Two patterns of which only one begins so overlap only if a device has that very name.
    var beginsWithName: Bool { if case .literal = levels.first { true } else { false } }

    func appending(_ text: String) -> TopicPattern {
        TopicPattern(
            levels: levels + text.split(separator: "/", omittingEmptySubsequences: false).map { .literal(String($0)) })
    }

    /// Whether something can belong to both.
    func overlaps(_ other: TopicPattern) -> Bool { Self.overlap(levels[...], other.levels[...]) }

    private static func overlap(_ one: ArraySlice<Level>, _ other: ArraySlice<Level>) -> Bool {
        var (one, other) = (one, other)
        while let mine = one.first, let theirs = other.first, mine != .rest, theirs != .rest {
            if case .literal(let mine) = mine, case .literal(let theirs) = theirs, mine != theirs { return false }
            (one, other) = (one.dropFirst(), other.dropFirst())
        }
        guard one.first == .rest || other.first == .rest else { return one.isEmpty && other.isEmpty }
        if one.first != .rest { swap(&one, &other) }
        // It takes nothing, or one level more of what the other has.
        if overlap(one.dropFirst(), other) { return true }
        return !other.isEmpty && overlap(one, other.dropFirst())
    }

    /// Whether everything that belongs to `other` belongs to this one.
    func contains(_ other: TopicPattern) -> Bool {
        guard other.levels.contains(.rest) else { return Self.takes(levels[...], other.levels[...]) }
        // What a rest takes, nobody names: it is enough to try it in so many lengths that one more changes nothing.
        return (0...levels.count + 1).allSatisfy { count in
            let levels = other.levels.flatMap { $0 == .rest ? Array(repeating: .any, count: count) : [$0] }
            return Self.takes(self.levels[...], levels[...])
        }
    }

    /// Whether a pattern takes these levels, `any` being one that no literal names.
    private static func takes(_ pattern: ArraySlice<Level>, _ levels: ArraySlice<Level>) -> Bool {
        switch (pattern.first, levels.first) {
        case (nil, nil): true
        case (.rest, nil): takes(pattern.dropFirst(), levels)
        case (.rest, _): takes(pattern.dropFirst(), levels) || takes(pattern, levels.dropFirst())
        case (nil, _), (_, nil): false
        case (.any, _): takes(pattern.dropFirst(), levels.dropFirst())
        case (.literal, _): pattern.first == levels.first && takes(pattern.dropFirst(), levels.dropFirst())
        }
    }
}

extension RouteDefinition {
    /// The tags that can come of this route.
    var tagPatterns: [TopicPattern] { tagSources.map(\.pattern) }

    /// The tags that can come of this route, with what is made of their values.
    private var tagSources: [(pattern: TopicPattern, conversion: ValueConversion?)] {
        let topic =
            lineTag.map { TopicPattern($0, severalLevels: severalLevels) } ?? TopicPattern(tag?.pattern ?? topic)
        if payload == .sparkplug { return [(sparkplugPattern, nil)] }
        if payload == .lines, lineTag == nil {
            return [(TopicPattern(levels: topic.levels + [.any, .rest]), nil)]
        }
        return values.map { ($0.name.map(topic.appending) ?? topic, $0.conversion) }
            + wildcards.map { wildcard in
                let name = TopicPattern(wildcard.name).levels.flatMap { $0 == .rest ? [.any, .rest] : [$0] }
                return (TopicPattern(levels: topic.levels + name), wildcard.conversion)
            }
    }

    /// Whatever lies below its edge nodes.
    private var sparkplugPattern: TopicPattern {
        TopicPattern(levels: TopicPattern(device, severalLevels: severalLevels).levels + [.any, .rest])
    }

    /// Whether a message that both routes take can have a value of the same name in both, so that it would be the same tag.
    func sharesNames(with other: RouteDefinition) -> Bool {
        guard tagBasePattern.overlaps(other.tagBasePattern) else { return false }
        let (names, others) = (valueNames, other.valueNames)
        return names.contains { name in
            others.contains { other in
                name.pattern.overlaps(other.pattern) && !name.except.contains { $0.contains(other.pattern) }
                    && !other.except.contains { $0.contains(name.pattern) }
            }
        }
    }

    /// What its tags have their names below.
    private var tagBasePattern: TopicPattern {
        if let lineTag { return TopicPattern(lineTag, severalLevels: severalLevels) }
        return TopicPattern(tag?.pattern ?? topic)
    }

    /// The names of its values below that, and what they leave out.
    private var valueNames: [(pattern: TopicPattern, except: [TopicPattern])] {
        // The measurement, and the values of the tags.
        let series: [TopicPattern.Level] = payload == .lines && lineTag == nil ? [.any, .rest] : []
        return values.map { value in
            let name = (value.name ?? "").split(separator: "/").map { TopicPattern.Level.literal(String($0)) }
            return (TopicPattern(levels: series + name), [])
        }
            + wildcards.map { wildcard in
                (
                    TopicPattern(levels: series + TopicPattern(wildcard.name).levels),
                    wildcard.except.map { TopicPattern(levels: series + TopicPattern($0).levels) }
                )
            }
    }

    /// The devices that can come of this route; none when its messages say nothing.
    var devicePatterns: [TopicPattern] {
        let device = TopicPattern(device, severalLevels: severalLevels)
        return switch payload {
        case .nothing: []
        case .sparkplug: [device, TopicPattern(levels: device.levels + [.any])]
        default: [device]
        }
    }

    /// The device in terms of the tags' levels: two routes whose tags have the same names give them to the same device when it
    /// is the same.
    var deviceByLevels: [TextTemplate.Segment] {
        let levels = (tag?.pattern ?? topic).levels
        return device.segments.map { segment in
            guard case .placeholder(let name) = segment else { return segment }
            let position = levels.firstIndex {
                switch $0 {
                case .capture(let other), .rest(let other?): other == name
                case .literal, .any, .rest(nil): false
                }
            }
            return .placeholder("\(position ?? -1)")
        }
    }

    /// Whether a limit can be compared with what it delivers of these tags.
    func canDeliverNumbers(of tags: TopicPattern) -> Bool {
        switch payload {
        case .number: true
        case .bool, .bytes, .nothing: false
        case .json, .cbor, .lines, .sparkplug, .text:
            tagSources.contains { pattern, conversion in
                guard pattern.overlaps(tags) else { return false }
                // What its words mean; without any, a document may have numbers.
                guard let words = conversion?.words, !words.isEmpty else { return payload != .text }
                return words.values.contains { $0.doubleValue != nil }
            }
        }
    }
}
