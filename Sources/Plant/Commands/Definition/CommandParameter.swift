public import JSON

/// A parameter of a command, as `commands:` in the configuration declares it.
public struct CommandParameter: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case number, integer, bool, text
    }

    /// Longest text that a parameter may have, in bytes.
    public static let textLengthLimit = 4096

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

    public init(
        name: String, kind: Kind, minimum: Double? = nil, maximum: Double? = nil, unit: String? = nil,
        values: [JSONValue]? = nil,
        defaultValue: JSONValue? = nil, isRequired: Bool = true
    ) {
        self.name = name
        self.kind = kind
        self.minimum = minimum
        self.maximum = maximum
        self.unit = unit
        self.values = values
        self.defaultValue = defaultValue
        self.isRequired = isRequired
    }

    /// What an operator may not ask for.
    public enum Mistake: Error, Hashable, Sendable, CustomStringConvertible {
        case missing(String)
        case unknown(String, known: [String])
        case wrongKind(String, expected: Kind, found: JSONValue)
        case tooSmall(String, value: JSONValue, minimum: Double, unit: String?)
        case tooLarge(String, value: JSONValue, maximum: Double, unit: String?)
        case notAllowed(String, value: JSONValue, allowed: [JSONValue])
        case tooLong(String)

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
        return checked
    }

    /// The value that a text on a command line (`rpm=1200`) stands for: text for a text parameter, JSON for the others.
    public func value(fromText text: String) throws(Mistake) -> JSONValue {
        if kind == .text { return .string(text) }
        guard let value = try? JSONValue(parsing: text) else {
            throw .wrongKind(name, expected: kind, found: .string(text))
        }
        return value
    }

    private static func areEqual(_ left: JSONValue, _ right: JSONValue) -> Bool {
        if left == right { return true }
        guard let left = left.doubleValue, let right = right.doubleValue else { return false }
        return left == right
    }
}
