/// A JSON document to be written, its members in order.
indirect enum JSONText {
    case object([(String, JSONText)])
    case array([JSONText])
    case string(String)
    case integer(Int64)
    case decimal(Double)
    case bool(Bool)
    case null

    static func number(_ value: some BinaryInteger) -> JSONText { .integer(Int64(clamping: value)) }

    /// The document, indented by two spaces as ZooKeeper's admin server does.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        write(into: &bytes, depth: 0)
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }

    private func write(into bytes: inout [UInt8], depth: Int) {
        switch self {
        case .object(let members):
            guard !members.isEmpty else { return bytes += "{ }".utf8 }
            bytes += "{\n".utf8
            for (index, member) in members.enumerated() {
                Self.indent(&bytes, depth + 1)
                Self.write(member.0, into: &bytes)
                bytes += " : ".utf8
                member.1.write(into: &bytes, depth: depth + 1)
                bytes += (index == members.count - 1 ? "\n" : ",\n").utf8
            }
            Self.indent(&bytes, depth)
            bytes.append(UInt8(ascii: "}"))
        case .array(let items):
            guard !items.isEmpty else { return bytes += "[ ]".utf8 }
            bytes += "[ ".utf8
            for (index, item) in items.enumerated() {
                item.write(into: &bytes, depth: depth)
                bytes += (index == items.count - 1 ? " ]" : ", ").utf8
            }
        case .string(let text): Self.write(text, into: &bytes)
        case .integer(let number): bytes += String(number).utf8
        case .decimal(let number): bytes += javaDouble(number).utf8
        case .bool(let value): bytes += (value ? "true" : "false").utf8
        case .null: bytes += "null".utf8
        }
    }

    private static func indent(_ bytes: inout [UInt8], _ depth: Int) {
        for _ in 0..<depth { bytes += "  ".utf8 }
    }

    private static func write(_ text: String, into bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): bytes += "\\\"".utf8
            case UInt8(ascii: "\\"): bytes += "\\\\".utf8
            case UInt8(ascii: "\n"): bytes += "\\n".utf8
            case 0..<0x20, 0x7F:
                let digits = String(byte, radix: 16)
                bytes += "\\u00".utf8
                if digits.utf8.count == 1 { bytes.append(UInt8(ascii: "0")) }
                bytes += digits.utf8
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
