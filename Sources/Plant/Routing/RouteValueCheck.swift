import JSON

/// Checks what a draft says of its values, and collects the rules and the mistakes.
struct RouteValueCheck {
    let draft: RouteDraft
    private(set) var values: [ValueRule] = []
    private(set) var wildcards: [WildcardRule] = []
    private(set) var mistakes: [RouteMistake] = []

    init(draft: RouteDraft) { self.draft = draft }

    private var hasPlaces: Bool { draft.payload.hasPlaces }

    mutating func check() {
        guard draft.payload != .nothing, draft.payload != .sparkplug else {
            if draft.value != nil { note(.value, .notForPayload(draft.payload)) }
            if !draft.values.isEmpty { note(.values(entry: nil), .notForPayload(draft.payload)) }
            return
        }
        if !hasPlaces {
            if !draft.values.isEmpty { note(.values(entry: nil), .notForPayload(draft.payload)) }
            if draft.value?.at != nil { note(.value, .notForPayload(draft.payload)) }
        }
        if draft.payload == .lines, draft.value == nil, draft.values.isEmpty {
            checkEntry("+", "/+")
        } else if draft.values.isEmpty || !hasPlaces {
            checkOne(draft.value ?? RouteDraft.Value())
        } else {
            if draft.value != nil { note(.value, .valueAndValues) }
            for entry in draft.values { checkEntry(entry.key, entry.value) }
        }
    }

    private mutating func note(_ field: RouteMistake.Field, _ reason: RouteMistake.Reason) {
        mistakes.append(RouteMistake(field, reason))
    }

    private mutating func checkOne(_ value: RouteDraft.Value) {
        if !value.except.isEmpty { note(.valueKey("except", entry: nil), .onlyWithWildcards) }
        if value.fallback != nil, !hasPlaces { note(.valueKey("default", entry: nil), .notForPayload(draft.payload)) }
        let conversion = conversion(value, entry: nil)
        do {
            let place = try JSONPointer(value.at ?? "")
            if place.tokens.contains("+") || place.tokens.contains("#") { note(.value, .wildcardInValue) }
            if draft.payload == .lines, place.tokens.count != 1 { note(.value, .notField) }
            values.append(
                ValueRule(
                    place: place, conversion: conversion, fallback: value.fallback, unit: value.unit,
                    quality: quality(value, entry: nil)))
        } catch {
            note(.value, .pointer(error))
        }
    }

    private mutating func checkEntry(_ name: String, _ value: RouteDraft.Value) {
        let field = RouteMistake.Field.values(entry: name)
        let conversion = conversion(value, entry: name)
        let place: JSONPointerPattern
        guard let at = value.at else {
            return note(
                .valueKey("at", entry: name), .missing(expected: "the place of the value, such as /temperature"))
        }
        do {
            place = try JSONPointerPattern(at)
        } catch {
            if case .pointer(let mistake) = error {
                note(field, .pointer(mistake))
            } else {
                note(field, .pattern(error))
            }
            return
        }
        if draft.payload == .lines, place.steps.count != 1 || place.steps.first == .rest { note(field, .notField) }
        if let pointer = place.pointer {
            do {
                _ = try TagPath(name)
            } catch {
                return note(field, error == .wildcard ? .wildcardsDiffer : .path(error))
            }
            if !value.except.isEmpty { note(.valueKey("except", entry: name), .onlyWithWildcards) }
            values.append(
                ValueRule(
                    name: name, place: pointer, conversion: conversion, fallback: value.fallback, unit: value.unit,
                    quality: quality(value, entry: name)))
            return
        }
        if value.fallback != nil { note(.valueKey("default", entry: name), .notWithWildcards) }
        if value.quality != nil { note(.valueKey("quality", entry: name), .notWithWildcards) }
        var except: [TopicFilter] = []
        for text in value.except {
            if text.hasPrefix("/") { note(.valueKey("except", entry: name), .placeForName(text)) }
            do {
                except.append(try TopicFilter(text))
            } catch {
                note(.valueKey("except", entry: name), .filter(error))
            }
        }
        do {
            let filter = try TopicFilter(name)
            let rule = WildcardRule(
                name: filter, place: place, except: except, conversion: conversion, unit: value.unit)
            if let rule { wildcards.append(rule) } else { note(field, .wildcardsDiffer) }
        } catch {
            note(field, .filter(error))
        }
    }

    private mutating func quality(_ value: RouteDraft.Value, entry: String?) -> QualityRule? {
        value.quality?.rule(for: draft.payload) { note(.valueKey("quality", entry: entry), $0) }
    }

    private mutating func conversion(_ value: RouteDraft.Value, entry: String?) -> ValueConversion? {
        func field(_ key: String) -> RouteMistake.Field { .valueKey(key, entry: entry) }
        let numeric = [
            ("scale", value.scale != nil), ("offset", value.offset != nil), ("suffix", !value.suffixes.isEmpty),
            ("decimalComma", value.decimalComma),
        ].filter(\.1).map(\.0)
        if let scale = value.scale, !scale.isFinite || scale == 0 || !(1 / scale).isFinite {
            note(field("scale"), .zeroScale)
        }
        if value.suffixes.contains(where: { "0123456789+-.,".utf8.contains($0.utf8.first ?? 0x20) }) {
            note(field("suffix"), .numericSuffix)
        }
        let all = numeric + (value.map.isEmpty ? [] : ["map"])
        switch draft.payload {
        case .bool: for key in all { note(field(key), .notForBool) }
        case .bytes: for key in all { note(field(key), .notForBytes) }
        case .text: for key in numeric { note(field(key), .numberOfText) }
        case .number: if !value.map.isEmpty { note(field("map"), .mapOfNumber) }
        case .json, .cbor, .lines: if !value.map.isEmpty { for key in numeric { note(field(key), .mapAndScale) } }
        case .nothing, .sparkplug: break
        }
        if let fallback = value.fallback {
            // It is the tag's value, as it stands.
            if !numeric.isEmpty, fallback.doubleValue == nil { note(field("default"), .defaultIsNoNumber) }
            let word = fallback.description
            if value.map.contains(where: { $0.key == word }), !value.map.contains(where: { $0.value == fallback }) {
                note(field("default"), .defaultIsWord(word))
            }
        }
        if !value.map.isEmpty {
            var words: [String: TagValue] = [:]
            for entry in value.map where words.updateValue(entry.value, forKey: entry.key) != nil {
                note(field("map"), .duplicateWord(entry.key))
            }
            return ValueConversion(words: words)
        }
        guard !numeric.isEmpty else { return nil }
        return ValueConversion(
            suffixes: value.suffixes, hasDecimalComma: value.decimalComma, scale: value.scale ?? 1,
            offset: value.offset ?? 0)
    }
}
