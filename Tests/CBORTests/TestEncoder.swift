import JSON
import OrderedCollections
import Primitives

/// Writes JSON values as CBOR, in one of the many ways that there are for each.
enum TestEncoder {
    /// A head in its shortest form.
    static func head(_ major: UInt8, _ argument: UInt64, into bytes: inout [UInt8]) {
        let width = argument < 24 ? 0 : argument <= 0xFF ? 1 : argument <= 0xFFFF ? 2 : argument <= 0xFFFF_FFFF ? 4 : 8
        head(major, argument, width: width, into: &bytes)
    }

    private static func head(_ major: UInt8, _ argument: UInt64, width: Int, into bytes: inout [UInt8]) {
        let information: UInt8 =
            switch width {
            case 0: UInt8(argument)
            case 1: 24
            case 2: 25
            case 4: 26
            default: 27
            }
        bytes.append(major << 5 | information)
        for position in (0..<width).reversed() {
            bytes.append(UInt8(truncatingIfNeeded: argument >> UInt64(position * 8)))
        }
    }

    /// A head in a form that is perhaps longer than needed.
    private static func anyHead(
        _ major: UInt8, _ argument: UInt64, into bytes: inout [UInt8], _ random: inout SeededRandom
    ) {
        guard Int.random(in: 0..<8, using: &random) == 0 else { return head(major, argument, into: &bytes) }
        head(major, argument, width: argument <= 0xFFFF && Bool.random(using: &random) ? 2 : 8, into: &bytes)
    }

    static func encode(_ value: JSONValue, into bytes: inout [UInt8], _ random: inout SeededRandom) {
        if Int.random(in: 0..<20, using: &random) == 0 {
            head(6, .random(in: 6...70_000, using: &random), into: &bytes)
        }
        let isIndefinite = Int.random(in: 0..<4, using: &random) == 0
        switch value {
        case .null: bytes.append(Bool.random(using: &random) ? 0xF6 : 0xF7)
        case .bool(let bool): bytes.append(bool ? 0xF5 : 0xF4)
        case .integer(let integer):
            anyHead(integer < 0 ? 1 : 0, UInt64(integer < 0 ? ~integer : integer), into: &bytes, &random)
        case .number(let number):
            if Double(Float(number)) == number, Bool.random(using: &random) {
                head(7, UInt64(Float(number).bitPattern), width: 4, into: &bytes)
            } else {
                head(7, number.bitPattern, width: 8, into: &bytes)
            }
        case .string(let text): encode(text, isIndefinite, into: &bytes, &random)
        case .array(let elements):
            if isIndefinite { bytes.append(0x9F) } else { anyHead(4, UInt64(elements.count), into: &bytes, &random) }
            for element in elements { encode(element, into: &bytes, &random) }
            if isIndefinite { bytes.append(0xFF) }
        case .object(let members):
            if isIndefinite { bytes.append(0xBF) } else { anyHead(5, UInt64(members.count), into: &bytes, &random) }
            for (name, value) in members {
                if let integer = Int64(name), String(integer) == name {
                    head(integer < 0 ? 1 : 0, UInt64(integer < 0 ? ~integer : integer), into: &bytes)
                } else {
                    encode(name, false, into: &bytes, &random)
                }
                encode(value, into: &bytes, &random)
            }
            if isIndefinite { bytes.append(0xFF) }
        }
    }

    private static func encode(
        _ text: String, _ isIndefinite: Bool, into bytes: inout [UInt8], _ random: inout SeededRandom
    ) {
        guard isIndefinite else {
            anyHead(3, UInt64(text.utf8.count), into: &bytes, &random)
            bytes.append(contentsOf: text.utf8)
            return
        }
        bytes.append(0x7F)
        for scalar in text.unicodeScalars {
            let chunk = Array(String(scalar).utf8)
            head(3, UInt64(chunk.count), into: &bytes)
            bytes.append(contentsOf: chunk)
            if Bool.random(using: &random) { bytes.append(0x60) }
        }
        bytes.append(0xFF)
    }

    /// A document of a few values.
    static func document(_ random: inout SeededRandom, depth: Int = 0) -> JSONValue {
        switch Int.random(in: 0..<(depth < 5 ? 9 : 6), using: &random) {
        case 0: return nil
        case 1: return .bool(.random(using: &random))
        case 2: return .integer(Int64(bitPattern: random.next()) >> Int64.random(in: 0...63, using: &random))
        case 3:
            let number = Double(bitPattern: random.next())
            return .number(number.isFinite ? number : 0.5)
        case 4: return .number(Double(Int.random(in: -1000...1000, using: &random)) / 8)
        case 5: return .string(text(&random))
        case 6:
            return .array((0..<Int.random(in: 0...5, using: &random)).map { _ in document(&random, depth: depth + 1) })
        default:
            var object: JSONValue = [:]
            if case .object(var members) = object {
                for _ in 0..<Int.random(in: 0...5, using: &random) {
                    let name =
                        Bool.random(using: &random)
                        ? text(&random) : String(Int8.random(in: .min ... .max, using: &random))
                    members[name] = document(&random, depth: depth + 1)
                }
                object = .object(members)
            }
            return object
        }
    }

    private static func text(_ random: inout SeededRandom) -> String {
        let characters: [Unicode.Scalar] = ["a", "b", "7", "-", "\"", "\\", "\0", "é", "水", "𐅑", "\u{301}"]
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...30, using: &random) {
            text.append(characters.randomElement(using: &random) ?? "a")
        }
        return String(text)
    }
}
