public import JSON
package import OrderedCollections

/// The values that a sensor can have in health: the scale of its display, and a measure for deadbands in percent.
public struct TagRange: Sendable, Hashable {
    public let low: Double
    public let high: Double

    /// nil unless both are finite and `low` is below `high`.
    public init?(low: Double, high: Double) {
        guard low.isFinite, high.isFinite, low < high else { return nil }
        self.low = low
        self.high = high
    }

    public var json: JSONValue { ["low": .number(low), "high": .number(high)] }
}

/// What people need to know of a tag beside its value.
public struct TagTraits: Sendable, Hashable {
    /// What the tag is, in the words of the plant.
    public var description: String?
    /// Where it belongs, from the outside in: `hall1/press`. Roles and lists of alarms go by it, with MQTT filters.
    public var area: TagPath?
    public var range: TagRange?

    public init(description: String? = nil, area: TagPath? = nil, range: TagRange? = nil) {
        self.description = description
        self.area = area
        self.range = range
    }

    /// Appends what there is of them, as programs get it.
    package func write(into members: inout OrderedDictionary<String, JSONValue>) {
        if let description { members["description"] = .string(description) }
        if let area { members["area"] = .string(area.text) }
        if let range { members["range"] = range.json }
    }
}

/// One entry of `tags` in the configuration: traits of all tags that a filter matches.
public struct TagRule: Sendable, Hashable {
    public var tags: TopicFilter
    public var traits: TagTraits

    public init(tags: TopicFilter, traits: TagTraits) {
        self.tags = tags
        self.traits = traits
    }
}

/// The entries of `tags`, in the order of the configuration.
///
/// Each member of a tag's traits comes from the first entry that matches the tag and gives it, as with units and deadbands:
/// the particular stands before the general, and a tag with a description of its own keeps the area of its machine.
public struct TagRules: Sendable, Hashable {
    public var all: [TagRule]

    public init(_ all: [TagRule] = []) { self.all = all }

    public func traits(of tag: TagPath) -> TagTraits {
        var traits = TagTraits()
        for rule in all where rule.tags.matches(tag) {
            traits.description = traits.description ?? rule.traits.description
            traits.area = traits.area ?? rule.traits.area
            traits.range = traits.range ?? rule.traits.range
        }
        return traits
    }
}
