public import JSON

/// What a payload says of the quality of a value, or of all its values.
public struct QualityRule: Sendable, Hashable {
    /// What a device calls its value. Of several words the worst counts.
    enum Verdict: UInt8, Sendable, Comparable {
        case good
        /// It can be used, with care: alarms are evaluated by it, interlocks do not hold by it.
        case uncertain
        case bad

        static func < (left: Verdict, right: Verdict) -> Bool { left.rawValue < right.rawValue }
    }

    public let place: JSONPointer
    /// The words for values that can be used, compared as text byte by byte. Any other is for bad ones; a message without a
    /// word says nothing.
    public let good: [String]
    /// The words for values that can be used with care.
    public let uncertain: [String]

    public init(place: JSONPointer, good: [String], uncertain: [String] = []) {
        self.place = place
        self.good = good
        self.uncertain = uncertain
    }

    /// What a word means.
    func verdict(_ word: String) -> Verdict {
        if good.contains(where: { $0.hasSameBytes(as: word) }) { return .good }
        return uncertain.contains { $0.hasSameBytes(as: word) } ? .uncertain : .bad
    }
}

extension RouteDraft.Quality {
    /// The rule that was meant; each mistake is noted.
    func rule(for payload: RouteDefinition.Payload, note: (RouteMistake.Reason) -> Void) -> QualityRule? {
        if !payload.hasPlaces { note(.notForPayload(payload)) }
        if good.isEmpty { note(.missing(expected: "good: the words for values that can be used")) }
        for word in uncertain where good.contains(word) { note(.duplicateWord(word)) }
        do throws(JSONPointer.Mistake) {
            let place = try JSONPointer(at)
            if place.tokens.contains("+") || place.tokens.contains("#") { note(.wildcardInValue) }
            if payload == .lines, place.tokens.count != 1 { note(.notField) }
            return QualityRule(place: place, good: good, uncertain: uncertain)
        } catch {
            note(.pointer(error))
            return nil
        }
    }
}
