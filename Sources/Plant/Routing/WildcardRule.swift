public import JSON

/// Values of which the names are learnt from the messages: each scalar that stands where ``place`` leads becomes a tag of its
/// own, named by what the wildcards stand for.
///
/// | name | place | document | tags below the topic |
/// | --- | --- | --- | --- |
/// | `+` | `/+` | `{"state":"ON","color":{"x":0.3}}` | `state` |
/// | `#` | `/#` | the same | `state`, `color/x` |
/// | `+/power` | `/params/+/apower` | `{"params":{"switch:0":{"apower":8.9}}}` | `switch:0/power` |
public struct WildcardRule: Sendable, Hashable {
    /// The tag below the topic, with the same wildcards as ``place`` in the same order.
    public let name: TopicFilter
    public let place: JSONPointerPattern
    /// Tags below the topic that are left out.
    public let except: [TopicFilter]
    public let conversion: ValueConversion?
    public let unit: String?

    /// nil when the wildcards differ.
    public init?(
        name: TopicFilter, place: JSONPointerPattern, except: [TopicFilter] = [], conversion: ValueConversion? = nil,
        unit: String? = nil
    ) {
        let inName = name.levels.compactMap { level -> JSONPointerPattern.Step? in
            switch level {
            case .literal: nil
            case .any: .any
            case .rest: .rest
            }
        }
        let inPlace = place.steps.filter { if case .name = $0 { false } else { true } }
        guard !inPlace.isEmpty, inName == inPlace else { return nil }
        self.name = name
        self.place = place
        self.except = except
        self.conversion = conversion
        self.unit = unit
    }

    /// The value that stands at a place; nil when it is not meant, is excepted, or has a name that no topic level can have.
    func value(at place: JSONPointer) -> ValueRule? {
        guard let path = path(at: place), !except.contains(where: { $0.matches(path) }) else { return nil }
        return ValueRule(name: path.text, place: place, conversion: conversion, unit: unit)
    }

    /// Whether everything that stands in a place is excepted.
    func excepts(allIn place: JSONPointer) -> Bool {
        guard let path = path(at: place) else { return false }
        return except.contains { $0.levels.last == .rest && $0.matches(path) }
    }

    /// The tag below the topic that a place would have; nil when the place is not meant, or its names are no levels of a topic.
    private func path(at place: JSONPointer) -> TagPath? {
        guard var captures = self.place.captures(place)?[...], captures.allSatisfy({ !$0.contains("") }) else {
            return nil
        }
        var levels: [String] = []
        for level in name.levels {
            switch level {
            case .literal(let bytes): levels.append(String(decoding: bytes, as: UTF8.self))
            case .any, .rest: levels += captures.popFirst() ?? []
            }
        }
        return try? TagPath(levels: levels)
    }

    /// The value of a tag; nil when the rule makes no such tag.
    ///
    /// - Parameter levels: of the tag, below the topic.
    func value(named levels: ArraySlice<Substring>) -> ValueRule? {
        var rest = levels
        var captures: [[String]] = []
        for level in name.levels {
            guard let first = rest.first else { return nil }
            switch level {
            case .literal(let bytes):
                guard first.utf8.elementsEqual(bytes) else { return nil }
            case .any: captures.append([String(first)])
            case .rest:
                captures.append(rest.map(String.init))
                rest = rest.suffix(1)
            }
            rest = rest.dropFirst()
        }
        guard rest.isEmpty else { return nil }
        return place.place(captures).flatMap(value(at:))
    }
}
