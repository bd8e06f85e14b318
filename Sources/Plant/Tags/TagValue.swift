public import JSON

/// What a sensor said: exact integers, doubles, booleans or text.
public enum TagValue: Sendable, Hashable {
    case integer(Int64)
    case number(Double)
    case bool(Bool)
    case text(String)

    /// A JSON scalar as a value; nil for `null`, arrays and objects, and for a number that is not finite.
    public init?(json: JSONValue) {
        switch json {
        case .integer(let integer): self = .integer(integer)
        case .number(let number):
            guard number.isFinite else { return nil }
            self = .number(number)
        case .bool(let bool): self = .bool(bool)
        case .string(let text): self = .text(text)
        case .null, .array, .object: return nil
        }
    }

    /// The value as JSON, exactly.
    public var json: JSONValue {
        switch self {
        case .integer(let integer): .integer(integer)
        case .number(let number): .number(number)
        case .bool(let bool): .bool(bool)
        case .text(let text): .string(text)
        }
    }

    /// An integer or number as a `Double`, which is what limits and deadbands compare; nil for booleans and text.
    @inlinable
    public var doubleValue: Double? {
        switch self {
        case .integer(let integer): Double(integer)
        case .number(let number): number
        case .bool, .text: nil
        }
    }

    /// The value of a boolean tag.
    public var boolValue: Bool? {
        if case .bool(let bool) = self { return bool }
        return nil
    }

    /// Appends the value as JSON.
    public func write(into bytes: inout [UInt8]) {
        switch self {
        case .integer(let integer): JSONWriter.write(integer, into: &bytes)
        case .number(let number): JSONWriter.write(number, into: &bytes)
        case .bool(let bool): bytes.append(contentsOf: bool ? "true".utf8 : "false".utf8)
        case .text(let text): JSONWriter.write(text, into: &bytes)
        }
    }
}

extension TagValue: CustomStringConvertible {
    /// The value as a person reads it: text without quotes.
    public var description: String {
        switch self {
        case .integer(let integer): "\(integer)"
        case .number(let number): "\(number)"
        case .bool(let bool): "\(bool)"
        case .text(let text): text
        }
    }
}

extension TagValue: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByStringLiteral
{
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(stringLiteral value: String) { self = .text(value) }
}
