import JSON
import OrderedCollections

@testable import Plant

/// Numbers that somebody outside may write where a time, a count or a value is expected, and documents that hold them.
enum ExtremeNumbers {
    static let integers: [Int64] = [
        .min, .min + 1, -(1 << 53) - 1, -(1 << 53), -1, 0, 1, 253_402_300_799_999, 253_402_300_800_000, 1 << 53,
        (1 << 53) + 1, .max - 1, .max,
    ]

    static let numbers: [Double] = [
        1e308, -1e308, 1e19, -1e19, 9_223_372_036_854_775_808, -9_223_372_036_854_775_808, .leastNonzeroMagnitude, -0.0,
        0.5,
    ]

    static let all = integers.map(JSONValue.integer) + numbers.map(JSONValue.number)

    /// The document with each of its numbers replaced by each extreme one, and with all replaced at once.
    static func variants(of text: String) throws -> [JSONValue] {
        let document = try JSONValue(parsing: text)
        let count = document.numberCount
        var variants: [JSONValue] = []
        for extreme in all {
            for wanted in 0..<count {
                var index = 0
                variants.append(document.replacingNumbers(&index) { $0 == wanted ? extreme : nil })
            }
            var index = 0
            variants.append(document.replacingNumbers(&index) { _ in extreme })
        }
        return variants
    }
}

extension JSONValue {
    fileprivate var numberCount: Int {
        var count = 0
        _ = replacingNumbers(&count) { _ in nil }
        return count
    }

    /// `index` counts the numbers in the order of the document.
    fileprivate func replacingNumbers(_ index: inout Int, _ replacement: (Int) -> JSONValue?) -> JSONValue {
        switch self {
        case .null, .bool, .string: return self
        case .integer, .number:
            defer { index += 1 }
            return replacement(index) ?? self
        case .array(let elements):
            var replaced: [JSONValue] = []
            for element in elements { replaced.append(element.replacingNumbers(&index, replacement)) }
            return .array(replaced)
        case .object(var members):
            for (name, value) in members { members[name] = value.replacingNumbers(&index, replacement) }
            return .object(members)
        }
    }
}
