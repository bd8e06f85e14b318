import JSON
import Plant

/// A number as recordings write it: `-12.5`, `1e-3`, `45,5`, `1,234.5`, `1.234,5`.
///
/// A comma or point that is followed by other than three digits is the decimal sign, and so is the last of both. What is
/// left is ambiguous: `1,234` and `1.234` are read by the file's decimal sign.
package struct RecordedNumber {
    /// What stands between whole and fraction.
    package enum DecimalSign: String, Sendable, CaseIterable { case point, comma }

    /// As JSON writes it, for each decimal sign that the file may have.
    private let withPoint: String
    private let withComma: String

    /// Whether the decimal sign makes a difference.
    var isAmbiguous: Bool { withPoint != withComma }
    /// The decimal sign that it shows beyond doubt.
    let evidence: DecimalSign?
    let hasComma: Bool

    /// nil when the field is no finite number.
    init?(_ field: ArraySlice<UInt8>) {
        guard field.count <= 64 else { return nil }
        let mantissa = field.prefix { $0 | 0x20 != UInt8(ascii: "e") }
        let exponent = field[mantissa.endIndex...]
        let digits =
            mantissa.first == UInt8(ascii: "-") || mantissa.first == UInt8(ascii: "+") ? mantissa.dropFirst() : mantissa
        var groups: [(sign: UInt8?, digits: ArraySlice<UInt8>)] = []
        var start = digits.startIndex
        for index in digits.indices {
            switch digits[index] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): continue
            case UInt8(ascii: "."), UInt8(ascii: ","):
                groups.append((digits[index], digits[start..<index]))
                start = index + 1
            default: return nil
            }
        }
        groups.append((nil, digits[start...]))
        guard groups.contains(where: { !$0.digits.isEmpty }) else { return nil }

        let signs = groups.compactMap(\.sign)
        hasComma = signs.contains(UInt8(ascii: ","))
        let whole = Self.number(mantissa, without: signs, decimal: nil, exponent)
        guard let last = signs.last else {
            guard let whole else { return nil }
            (withPoint, withComma, evidence) = (whole, whole, nil)
            return
        }
        let isGrouped =
            (1...3).contains(groups[0].digits.count) && groups[0].digits.first != UInt8(ascii: "0")
            && groups.dropFirst().dropLast().allSatisfy { $0.digits.count == 3 }
        let isComma = last == UInt8(ascii: ",")
        let decimal = Self.number(mantissa, without: signs, decimal: last, exponent)
        if signs.count == 1 {
            guard let decimal else { return nil }
            guard isGrouped, groups[1].digits.count == 3, exponent.isEmpty, let whole else {
                (withPoint, withComma, evidence) = (decimal, decimal, isComma ? .comma : .point)
                return
            }
            (withPoint, withComma) = isComma ? (whole, decimal) : (decimal, whole)
            evidence = nil
        } else if Set(signs).count == 1 {
            // 1,234,567: no number has two decimal signs.
            guard isGrouped, groups.last?.digits.count == 3, let whole else { return nil }
            (withPoint, withComma, evidence) = (whole, whole, isComma ? .point : .comma)
        } else {
            guard isGrouped, signs.dropLast().allSatisfy({ $0 != last }), let decimal else { return nil }
            (withPoint, withComma, evidence) = (decimal, decimal, isComma ? .comma : .point)
        }
    }

    func json(_ sign: DecimalSign) -> String { sign == .comma ? withComma : withPoint }

    /// The number without the signs between its groups, as JSON; the field's own digits where JSON knows them.
    private static func number(
        _ mantissa: ArraySlice<UInt8>, without signs: [UInt8], decimal: UInt8?, _ exponent: ArraySlice<UInt8>
    ) -> String? {
        var bytes: [UInt8] = []
        for byte in mantissa {
            if byte == decimal {
                bytes.append(UInt8(ascii: "."))
            } else if !signs.contains(byte) {
                bytes.append(byte)
            }
        }
        let text = String(decoding: bytes + exponent, as: UTF8.self)
        guard let number = Double(text), number.isFinite else { return nil }
        switch try? JSONValue(parsing: text) {
        case .integer, .number: return text
        case nil, .null, .bool, .string, .array, .object: return "\(number)"
        }
    }
}
