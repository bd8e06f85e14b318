/// Writes the encoding of protocol buffers.
struct WireWriter {
    private(set) var bytes: [UInt8] = []

    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    private mutating func tag(_ number: UInt32, _ kind: UInt32) { varint(UInt64(number << 3 | kind)) }

    mutating func field(_ number: UInt32, varint value: UInt64?) {
        guard let value else { return }
        tag(number, Wire.Kind.varint)
        varint(value)
    }

    mutating func field(_ number: UInt32, bool value: Bool?) { field(number, varint: value.map { $0 ? 1 : 0 }) }

    mutating func field(_ number: UInt32, text: String?) {
        guard let text else { return }
        field(number, bytes: Array(text.utf8))
    }

    mutating func field(_ number: UInt32, bytes content: [UInt8]?) {
        guard let content else { return }
        tag(number, Wire.Kind.length)
        varint(UInt64(content.count))
        bytes.append(contentsOf: content)
    }

    mutating func field(_ number: UInt32, fixed32 value: UInt32) {
        tag(number, Wire.Kind.fixed32)
        for shift in stride(from: UInt32(0), to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    mutating func field(_ number: UInt32, fixed64 value: UInt64) {
        tag(number, Wire.Kind.fixed64)
        for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    /// An embedded message.
    mutating func field(_ number: UInt32, message write: (inout WireWriter) -> Void) {
        var inner = WireWriter()
        write(&inner)
        field(number, bytes: inner.bytes)
    }
}
