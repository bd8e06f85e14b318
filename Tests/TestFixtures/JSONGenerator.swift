package import JSON
import OrderedCollections
import Primitives

/// Random documents, and random damage to them.
package struct JSONGenerator {
    var random: SeededRandom

    package init(seed: UInt64) { random = SeededRandom(seed: seed) }

    static let names = [
        "v", "ts", "temp", "pressure", "a", "b", "c", "d", "q", "unit", "0", "1", "readings", "é", "a/b", "m~n", "",
    ]

    package mutating func value(depth: Int = 0) -> JSONValue {
        switch Int.random(in: 0..<(depth > 4 ? 7 : 10), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .integer(Int64.random(in: -1000...1000, using: &random))
        case 3: return .integer(Int64(bitPattern: UInt64.random(in: 0...UInt64.max, using: &random)))
        case 4: return .number((Double.random(in: -1000...1000, using: &random) * 100).rounded() / 100)
        case 5:
            let number = Double(bitPattern: UInt64.random(in: 0...UInt64.max, using: &random))
            return .number(number.isFinite ? number : 0.5)
        case 6: return .string(text())
        case 7:
            return .array((0..<Int.random(in: 0..<4, using: &random)).map { _ in value(depth: depth + 1) })
        default:
            var members = OrderedDictionary<String, JSONValue>()
            for _ in 0..<Int.random(in: 0..<6, using: &random) {
                members[Self.names.randomElement(using: &random) ?? ""] = value(depth: depth + 1)
            }
            return .object(members)
        }
    }

    package mutating func text() -> String {
        let scalars: [Unicode.Scalar] = [
            "a", "Z", " ", "0", "°", "é", "\"", "\\", "\n", "\u{1}", "😀", "漢", "/", "{", "\u{7F}",
        ]
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0..<8, using: &random) {
            let plain = Bool.random(using: &random)
            text.append(plain ? "x" : scalars.randomElement(using: &random) ?? "y")
        }
        return String(text)
    }

    package mutating func pointer() -> JSONPointer {
        JSONPointer(
            tokens: (0..<Int.random(in: 0..<3, using: &random)).map { _ in
                Self.names.randomElement(using: &random) ?? ""
            })
    }

    /// A few bytes changed, removed, doubled or swapped for others that mean something in JSON.
    package mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            guard !bytes.isEmpty else { break }
            let index = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: index)
            case 2: bytes.insert(bytes[index], at: index)
            case 3: bytes[index] = Array("\"\\{}[]:,0123456789.eE+- tfn\u{0}\t".utf8).randomElement(using: &random) ?? 0
            default:
                let end = Int.random(in: index..<bytes.count, using: &random)
                bytes.append(contentsOf: bytes[index...end])
            }
        }
        return bytes
    }
}
