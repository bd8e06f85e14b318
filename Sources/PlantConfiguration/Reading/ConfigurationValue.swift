import Yams

/// A value in a document that knows where it stands, so that whatever is wrong with it can be reported there.
///
/// Every reading method answers nil after reporting: the caller continues with the next value, and the user sees all
/// mistakes of a document at once.
struct ConfigurationValue {
    let node: Node
    let document: DocumentContext
    /// What the value is, in the words of a message: `mqtt.broker`, `alarm "overtemperature".high.limit`.
    let name: String

    func report(_ what: String, expected: String? = nil) {
        document.report(.mistake, at: node.mark, what, expected: expected)
    }

    /// Reports what earlier versions took; see ``ConfigurationProblem/Severity/toleratedMistake``.
    func reportTolerated(_ what: String, expected: String? = nil) {
        document.report(.toleratedMistake, at: node.mark, what, expected: expected)
    }

    func warn(_ what: String, expected: String? = nil) {
        document.report(.warning, at: node.mark, what, expected: expected)
    }

    /// The scalar's text after substitution of `${…}`.
    func text(_ expected: String) -> String? {
        guard case .scalar(let scalar) = node else {
            report("\(name) is a \(node.mapping == nil ? "list" : "mapping")", expected: expected)
            return nil
        }
        if scalar.style == .plain, ["", "~", "null", "Null", "NULL"].contains(scalar.string) {
            report("\(name) has no value", expected: expected)
            return nil
        }
        switch VariableSubstitution.apply(to: scalar.string, variables: document.variables) {
        case .success(let text):
            guard !text.isEmpty else {
                report("\(name) is empty", expected: expected)
                return nil
            }
            return text
        case .failure(let problem):
            report("\(name): \(problem.description)", expected: problem.expected)
            return nil
        }
    }

    func string() -> String? { text("text") }

    func boolean() -> Bool? {
        let expected = "true or false"
        guard let text = text(expected) else { return nil }
        switch text.lowercased() {
        case "true", "yes", "on": return true
        case "false", "no", "off": return false
        default:
            report("\(name) is \"\(text)\"", expected: expected)
            return nil
        }
    }

    func number() -> Double? {
        guard let text = text("a number") else { return nil }
        guard let number = Double(text), number.isFinite else {
            report("\(name) is \"\(text)\"", expected: "a number")
            return nil
        }
        return number
    }

    func integer(in range: ClosedRange<Int>) -> Int? {
        let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard let text = text(expected) else { return nil }
        guard let number = Int(text.filter { $0 != "_" }), range.contains(number) else {
            report("\(name) is \"\(text)\"", expected: expected)
            return nil
        }
        return number
    }

    func duration(in range: ClosedRange<Duration> = .zero...(.seconds(366 * 86400))) -> Duration? {
        let expected =
            range.lowerBound > .zero
            ? "a duration from \(DurationSyntax.text(range.lowerBound)) to \(DurationSyntax.text(range.upperBound))"
            : "a duration such as 250ms, 4s, 5m or 1h"
        guard let text = text(expected) else { return nil }
        guard let duration = DurationSyntax.parse(text) else {
            let hint = Double(text) == nil ? "" : ", which has no unit"
            report("\(name) is \"\(text)\"\(hint)", expected: expected)
            return nil
        }
        guard range.contains(duration) else {
            report("\(name) is \(text)", expected: expected)
            return nil
        }
        return duration
    }

    func size(in range: ClosedRange<Int>) -> Int? {
        let expected = "a size from \(SizeSyntax.text(range.lowerBound)) to \(SizeSyntax.text(range.upperBound))"
        guard let text = text(expected) else { return nil }
        guard let size = SizeSyntax.parse(text), range.contains(size) else {
            report("\(name) is \"\(text)\"", expected: expected)
            return nil
        }
        return size
    }

    /// One of a few words.
    func choice<Choice>(_ choices: [(word: String, value: Choice)]) -> Choice? {
        let expected = Self.alternatives(choices.map(\.word))
        guard let text = text(expected) else { return nil }
        if let choice = choices.first(where: { $0.word == text }) { return choice.value }
        let nearest = Spelling.nearest(to: text, in: choices.map(\.word))
        report("\(name) is \"\(text)\"\(nearest.map { " (did you mean \"\($0)\"?)" } ?? "")", expected: expected)
        return nil
    }

    /// The elements of a list; one scalar stands for a list of one.
    func list(of expected: String) -> [ConfigurationValue]? {
        switch node {
        case .sequence(let sequence):
            return sequence.enumerated().map { index, element in
                ConfigurationValue(node: element, document: document, name: "\(name)[\(index)]")
            }
        case .scalar(let scalar) where !scalar.string.isEmpty:
            return [self]
        default:
            report("\(name) is not a list", expected: "a list of \(expected)")
            return nil
        }
    }

    /// Keys and values of a mapping whose keys are names of the user's choice.
    func entries(of expected: String) -> [(key: ConfigurationValue, value: ConfigurationValue)]? {
        guard case .mapping(let mapping) = node else {
            report("\(name) is not a mapping", expected: expected)
            return nil
        }
        return mapping.map { key, value in
            let label = key.scalar.map { Self.label($0.string) } ?? "?"
            return (
                ConfigurationValue(node: key, document: document, name: "the key \"\(label)\" in \(name)"),
                ConfigurationValue(node: value, document: document, name: "\(name).\(label)")
            )
        }
    }

    /// The value as a section with known keys; unknown ones are reported here.
    func section(keys: [String]) -> ConfigurationSection? {
        guard case .mapping(let mapping) = node else {
            report("\(name) is not a mapping", expected: "a mapping with \(Self.alternatives(keys))")
            return nil
        }
        for (key, _) in mapping {
            guard let word = key.scalar?.string else {
                document.report(
                    .mistake, at: key.mark, "\(name) has a key that is not text", expected: Self.alternatives(keys))
                continue
            }
            guard !keys.contains(word) else { continue }
            // Nobody reads it then, and it costs more than all the rest.
            let nearest = document.isFull ? nil : Spelling.nearest(to: word, in: keys)
            document.report(
                .mistake, at: key.mark,
                "unknown key \"\(word)\" in \(name)\(nearest.map { " (did you mean \"\($0)\"?)" } ?? "")",
                expected: Self.alternatives(keys))
        }
        return ConfigurationSection(value: self, mapping: mapping)
    }

    /// The value of a key within the value, for a message that concerns it; the value itself when it has none.
    func place(_ keyPath: [String]) -> ConfigurationValue {
        var current = self
        for key in keyPath {
            guard let pair = current.node.mapping?.first(where: { $0.key.scalar?.string == key }) else {
                return current
            }
            current = ConfigurationValue(node: pair.value, document: document, name: key)
        }
        return current
    }

    /// `file:line`, for a message elsewhere that refers to this place.
    var location: String { document.name + (node.mark.map { ":\($0.line)" } ?? "") }

    func renamed(_ name: String) -> ConfigurationValue {
        ConfigurationValue(node: node, document: document, name: name)
    }

    /// A name from the document, for names of values: short, because it stands in the names of all values below it.
    static func label(_ text: String) -> String { DocumentCapacity.shortened(text, to: DocumentCapacity.labelBytes) }

    /// "a, b or c"
    static func alternatives(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "nothing" }
        return words.dropLast().joined(separator: ", ") + " or " + last
    }
}
