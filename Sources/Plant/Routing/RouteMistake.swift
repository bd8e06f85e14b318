public import JSON

/// Something wrong in a route of the configuration: which key, and what was expected. The reader of the file adds where
/// it stands.
public struct RouteMistake: Error, Hashable, Sendable, CustomStringConvertible {
    /// The key of the configuration that the mistake is in. `entry` names the entry of a mapping.
    public enum Field: Hashable, Sendable {
        case name, topic, `continue`, device, tag, payload, value, each, time, quality, unit, staleAfter, reporting
        case values(entry: String?)
        /// A key of the one value, or of an entry of `values`.
        case valueKey(String, entry: String?)
        case units(entry: String?)
        case deadband(entry: String?)
        /// A key of `flapping`; nil: all of it.
        case flapping(String?)
        case presence, presenceTopic, presenceOnline, presenceOffline, presenceValue, presenceHeartbeat

        /// The key path as it is written in the file, from the route down.
        public var keyPath: [String] {
            switch self {
            case .name: ["name"]
            case .topic: ["topic"]
            case .continue: ["continue"]
            case .device: ["device"]
            case .tag: ["tag"]
            case .payload: ["payload"]
            case .value: ["value"]
            case .each: ["each"]
            case .time: ["time"]
            case .quality: ["quality"]
            case .unit: ["unit"]
            case .staleAfter: ["staleAfter"]
            case .reporting: ["reporting"]
            case .values(let entry): ["values"] + (entry.map { [$0] } ?? [])
            case .valueKey(let key, nil): ["value", key]
            case .valueKey(let key, let entry?): ["values", entry, key]
            case .units(let entry): ["units"] + (entry.map { [$0] } ?? [])
            case .deadband(let entry): ["deadband"] + (entry.map { [$0] } ?? [])
            case .flapping(let key): ["flapping"] + (key.map { [$0] } ?? [])
            case .presence: ["presence"]
            case .presenceTopic: ["presence", "topic"]
            case .presenceOnline: ["presence", "online"]
            case .presenceOffline: ["presence", "offline"]
            case .presenceValue: ["presence", "value"]
            case .presenceHeartbeat: ["presence", "heartbeat"]
            }
        }
    }

    /// What kind of mistake it is.
    public enum Reason: Hashable, Sendable {
        case missing(expected: String)
        case template(TemplateMistake)
        case filter(TopicFilter.Mistake)
        case pointer(JSONPointer.Mistake)
        case path(TagPath.Refusal)
        /// A name in a template that the topic does not give.
        case unknownPlaceholder(String, known: [String])
        /// A name of the topic that the tag template does not have.
        case nameNotInTag(String)
        /// A part of an edge node's name that the device template does not have.
        case nameNotInDevice(String)
        /// `+` or `#` in a topic or tag template where each level needs a name.
        case namelessLevel
        /// A key that this kind of payload has no use for.
        case notForPayload(RouteDefinition.Payload)
        case valueAndValues
        case pattern(JSONPointerPattern.Mistake)
        /// `value` is one value.
        case wildcardInValue
        /// The name of an entry and its place do not have the same wildcards.
        case wildcardsDiffer
        /// A key that only values with wildcards, or only those without, have a use for.
        case onlyWithWildcards, notWithWildcards
        /// Words have their values from the map; numbers are scaled.
        case mapAndScale
        case notForBool
        case notForBytes
        case numberOfText
        case mapOfNumber
        case zeroScale
        case duplicateWord(String)
        case defaultIsNoNumber
        /// A word of the device, where the tag's value is expected.
        case defaultIsWord(String)
        /// A JSON Pointer, where a tag's name is expected.
        case placeForName(String)
        case notPositive
        case lossesOutOfRange
        case notFinite
        /// More than a hundred percent.
        case moreThanAll
        case samePayloads
        /// Periodic, without a time after which it is silent.
        case periodicForEver
        /// In a presence topic every level of the device has to be a level of its own.
        case deviceNotInLevels
        /// A name stands for several levels in the topic and for one in the presence topic, or the other way round.
        case levelsDiffer(String)
        case duplicateName
        /// The name of an element, where nothing says which elements.
        case nameWithoutEach
        /// A place that no field of a line has.
        case notField
        case zoneOfLines
        /// A topic that is not all of Sparkplug B or of one of its groups.
        case sparkplugTopic
        /// A number would lose its last digits to it.
        case numericSuffix
    }

    public let field: Field
    public let reason: Reason

    public init(_ field: Field, _ reason: Reason) {
        self.field = field
        self.reason = reason
    }

    public var description: String {
        "\(field.keyPath.joined(separator: ".")): \(reason)"
    }
}

extension RouteMistake.Reason: CustomStringConvertible {
    private static func why(_ payload: RouteDefinition.Payload) -> String {
        switch payload {
        case .nothing: ", whose messages say nothing"
        case .lines: ": each line has its own time behind its fields"
        case .sparkplug: ": edge nodes say in their births what they have"
        case .json, .cbor, .number, .text, .bool, .bytes: "; only json and cbor have places"
        }
    }

    public var description: String {
        switch self {
        case .missing(let expected): "missing; expected \(expected)"
        case .template(let mistake): "not a template: \(mistake)"
        case .filter(let mistake): "not an MQTT filter: \(mistake)"
        case .pointer(let mistake): "not a JSON Pointer: \(mistake)"
        case .path(let refusal): "not a name for a tag: \(refusal)"
        case .unknownPlaceholder(let name, let known):
            known.isEmpty
                ? "{\(name)} is not in the topic, which has no placeholders"
                : "{\(name)} is not in the topic, which has \(known.map { "{\($0)}" }.joined(separator: ", "))"
        case .nameNotInTag(let name):
            "lacks {\(name)} of the topic: two topics would have the same tags"
        case .nameNotInDevice(let name):
            "lacks {\(name)}: two edge nodes would be the same device"
        case .namelessLevel:
            "cannot be: it or the topic has + or #; give these levels names, such as {name} or {name...}"
        case .notForPayload(let payload):
            "has no meaning for payload \(payload.rawValue)\(Self.why(payload))"
        case .pattern(let mistake): "not a JSON Pointer, with or without wildcards: \(mistake)"
        case .defaultIsNoNumber: "is no number, and the value is one by its other keys"
        case .defaultIsWord(let word):
            "is “\(word)”, a word of the device; expected what the tag is to have, as on the right side of map"
        case .placeForName(let text):
            "has “\(text)”, which is a place; expected names of tags below the topic, so without the / in front"
        case .wildcardInValue: "has a wildcard and is one place; several values stand in values"
        case .wildcardsDiffer:
            "and its place need the same wildcards in the same order, such as \"+/power\": /params/+/apower"
        case .onlyWithWildcards: "has no meaning without wildcards; leave the entry out instead"
        case .notWithWildcards:
            "has no meaning with wildcards: nobody knows then what is missing; give the value an entry of its own"
        case .mapAndScale: "has no meaning beside map, which gives the values themselves"
        case .notForBool:
            "has no meaning for payload bool, which reads its own words; use payload text with a map for others"
        case .notForBytes: "has no meaning for payload bytes, which is taken as it is"
        case .numberOfText: "makes a number of the value; use payload number"
        case .mapOfNumber: "has no meaning for payload number; use payload text"
        case .zeroScale: "is zero, or nearly; expected another number"
        case .duplicateWord(let word): "has the word “\(word)” twice"
        case .valueAndValues: "give either value (one tag a topic) or values (several), not both"
        case .notPositive: "expected more than zero"
        case .lossesOutOfRange:
            "expected a number from \(FlappingRule.lossesRange.lowerBound) to \(FlappingRule.lossesRange.upperBound)"
        case .notFinite: "expected a number of zero or more"
        case .moreThanAll: "is more than 100 % of the range"
        case .samePayloads: "online and offline are the same"
        case .periodicForEver:
            "is periodic, and nothing says how long its topics may be silent; give staleAfter as well"
        case .deviceNotInLevels:
            "{device} can only be used when each placeholder of the route's device is a whole level; write the topic out instead"
        case .levelsDiffer(let name):
            "{\(name)} has one level here and several in the route's topic, or the other way round; write the same in both"
        case .duplicateName: "another route has this name"
        case .numericSuffix: "begins like a number, which would lose its end to it"
        case .zoneOfLines: "has a zone, and the times of lines are numbers, which need none"
        case .sparkplugTopic: "is no topic for payload sparkplug; expected spBv1.0/# or, for one group, spBv1.0/GROUP/#"
        case .notField: "is no field of a line; expected a place of one step, such as /usage_idle or /+"
        case .nameWithoutEach:
            "is the name of an element, and each does not say where the elements are, such as each: /data"
        }
    }
}
