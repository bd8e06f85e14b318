public import JSON

/// A parameter of a command, as `commands:` in the configuration declares it.
public struct CommandParameter: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case number, integer, bool, text
    }

    /// Longest text that a parameter may have, in bytes.
    public static let textLengthLimit = 4096
    /// Longest text of a parameter that is a level of a topic, in bytes.
    public static let levelLengthLimit = 256

    /// What the device says for a value.
    public struct Word: Sendable, Hashable {
        public var value: JSONValue
        public var word: JSONValue

        public init(_ value: JSONValue, _ word: JSONValue) {
            self.value = value
            self.word = word
        }
    }

    public var name: String
    public var kind: Kind
    /// Inclusive; for numbers and integers.
    public var minimum: Double?
    public var maximum: Double?
    public var unit: String?
    /// When given, the only values that are allowed (`enum:`).
    public var values: [JSONValue]?
    /// The value when the request has none.
    public var defaultValue: JSONValue?
    /// Whether a request without it is refused. A parameter with a default is never missing.
    public var isRequired: Bool
    /// When given, what topics and payloads made of a template have in place of the value (`map:`); any other value is refused.
    public var words: [Word]?

    public init(
        name: String, kind: Kind, minimum: Double? = nil, maximum: Double? = nil, unit: String? = nil,
        values: [JSONValue]? = nil,
        defaultValue: JSONValue? = nil, isRequired: Bool = true, words: [Word]? = nil
    ) {
        self.name = name
        self.kind = kind
        self.minimum = minimum
        self.maximum = maximum
        self.unit = unit
        self.values = values
        self.defaultValue = defaultValue
        self.isRequired = isRequired
        self.words = words
    }

    /// Whether a command always has a value for it.
    var isAlwaysGiven: Bool { isRequired || defaultValue != nil }

    /// What an operator may not ask for.
    public enum Mistake: Error, Hashable, Sendable, CustomStringConvertible {
        case missing(String)
        case unknown(String, known: [String])
        case wrongKind(String, expected: Kind, found: JSONValue)
        case tooSmall(String, value: JSONValue, minimum: Double, unit: String?)
        case tooLarge(String, value: JSONValue, maximum: Double, unit: String?)
        case notAllowed(String, value: JSONValue, allowed: [JSONValue])
        case tooLong(String)
        case noWord(String, value: JSONValue, known: [JSONValue])
        /// It cannot be a level of the topic that it stands in.
        case notALevel(String, text: String, why: String)
        /// What is made of the command cannot be a topic to publish on.
        case topic(String, why: String)
        /// What is made of the command for the tag that verifies it is no tag.
        case tag(String, why: String)
        /// What is made of the command for the metric that it writes is none.
        case metric(String, why: String)
        case payloadTooLong(Int)

        public var description: String {
            switch self {
            case .missing(let name): return "parameter \(name) is missing"
            case .unknown(let name, let known):
                let list = known.isEmpty ? "it takes none" : "it takes \(known.joined(separator: ", "))"
                return "the command has no parameter \(name); \(list)"
            case .wrongKind(let name, let expected, let found):
                return "parameter \(name) is \(found), must be of type \(expected.rawValue)"
            case .tooSmall(let name, let value, let minimum, let unit):
                return "parameter \(name) is \(value), must be at least \(Self.text(minimum, unit))"
            case .tooLarge(let name, let value, let maximum, let unit):
                return "parameter \(name) is \(value), must be at most \(Self.text(maximum, unit))"
            case .notAllowed(let name, let value, let allowed):
                let list = allowed.map(\.description).joined(separator: ", ")
                return "parameter \(name) is \(value), must be one of \(list)"
            case .tooLong(let name): return "parameter \(name) is longer than \(CommandParameter.textLengthLimit) bytes"
            case .noWord(let name, let value, let known):
                let list = known.map(\.description).joined(separator: ", ")
                return "parameter \(name) is \(value), for which the device has no word; it has words for \(list)"
            case .notALevel(let name, let text, let why):
                return "parameter \(name) is \(JSONValue.string(text)), which cannot be a level of the topic: \(why)"
            case .topic(let topic, let why): return "one of its topics would be \(JSONValue.string(topic)): \(why)"
            case .tag(let tag, let why): return "it would be verified by the tag \(JSONValue.string(tag)): \(why)"
            case .metric(let name, let why): return "it would write the metric \(JSONValue.string(name)): \(why)"
            case .payloadTooLong(let bytes):
                return "its payload would have \(bytes) bytes; at most \(CommandPayload.sizeLimit) are sent"
            }
        }

        private static func text(_ number: Double, _ unit: String?) -> String {
            let digits = Int64(exactly: number).map(String.init) ?? number.description
            return unit.map { "\(digits) \($0)" } ?? digits
        }
    }

    /// The value as it goes to the device, or why it does not.
    public func check(_ value: JSONValue) throws(Mistake) -> JSONValue {
        let checked: JSONValue
        switch (kind, value) {
        case (.bool, .bool), (.integer, .integer), (.number, .integer), (.number, .number): checked = value
        case (.integer, .number(let number)):
            guard let integer = Int64(exactly: number) else { throw .wrongKind(name, expected: kind, found: value) }
            checked = .integer(integer)
        case (.text, .string(let text)):
            guard text.utf8.count <= Self.textLengthLimit else { throw .tooLong(name) }
            checked = value
        case (.bool, _), (.integer, _), (.number, _), (.text, _):
            throw .wrongKind(name, expected: kind, found: value)
        }
        if let number = checked.doubleValue {
            if let minimum, number < minimum { throw .tooSmall(name, value: value, minimum: minimum, unit: unit) }
            if let maximum, number > maximum { throw .tooLarge(name, value: value, maximum: maximum, unit: unit) }
        }
        if let values, !values.contains(where: { Self.areEqual($0, checked) }) {
            throw .notAllowed(name, value: value, allowed: values)
        }
        if let words, word(for: checked) == nil {
            throw .noWord(name, value: value, known: words.map(\.value))
        }
        return checked
    }

    /// The device's word for a value; nil when it has none.
    func word(for value: JSONValue) -> JSONValue? { words?.first { Self.areEqual($0.value, value) }?.word }

    /// The values that it can have, where they are few.
    var fewValues: [JSONValue]? { values ?? (kind == .bool ? [.bool(true), .bool(false)] : nil) }

    /// Why a text cannot stand in a topic: a broker may end the connection for it (MQTT 5, 1.5.4).
    static func mistake(inTopic text: String) -> String? {
        for scalar in text.unicodeScalars {
            let value = scalar.value
            if value < 0x20 || (0x7F...0x9F).contains(value) { return "it contains control characters" }
            if value & 0xFFFE == 0xFFFE || (0xFDD0...0xFDEF).contains(value) {
                return "it contains a code point that stands for no character"
            }
        }
        return nil
    }

    /// Why a text cannot be a level of a topic; nil when it can. A level is plain text: nothing in it adds levels or wildcards.
    static func mistake(inLevel text: String) -> String? {
        if text.isEmpty { return "it is empty" }
        if text.utf8.count > levelLengthLimit { return "it is longer than \(levelLengthLimit) bytes" }
        for scalar in text.unicodeScalars {
            switch scalar {
            case "/": return "it contains /, which would be further levels"
            case "+", "#": return "it contains \(scalar), which only filters may"
            default: break
            }
        }
        return mistake(inTopic: text)
    }

    /// The value that a text on a command line (`rpm=1200`) stands for: text for a text parameter, JSON for the others.
    public func value(fromText text: String) throws(Mistake) -> JSONValue {
        if kind == .text { return .string(text) }
        guard let value = try? JSONValue(parsing: text) else {
            throw .wrongKind(name, expected: kind, found: .string(text))
        }
        return value
    }

    static func areEqual(_ left: JSONValue, _ right: JSONValue) -> Bool {
        if left == right { return true }
        guard let left = left.doubleValue, let right = right.doubleValue else { return false }
        return left == right
    }
}
