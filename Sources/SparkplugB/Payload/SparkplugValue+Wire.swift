extension SparkplugValue {
    /// The value of a metric; nil when it has none, or an extension.
    init?(
        _ wire: WireValue, _ bytes: borrowing Span<UInt8>, depth: Int, _ parts: inout PartCount
    ) throws(SparkplugError) {
        switch wire.kind {
        case .none, .unsupported: return nil
        case .int: self = .int(UInt32(truncatingIfNeeded: wire.bits))
        case .long: self = .long(wire.bits)
        case .float: self = .float(Float(bitPattern: UInt32(truncatingIfNeeded: wire.bits)))
        case .double: self = .double(Double(bitPattern: wire.bits))
        case .bool: self = .bool(wire.bits != 0)
        case .text: self = .string(bytes.extracting(wire.range).text())
        case .bytes: self = .bytes(bytes.extracting(wire.range).array())
        case .dataSet: self = .dataSet(try SparkplugDataSet(bytes, wire.range, &parts))
        case .template: self = .template(try SparkplugTemplate(bytes, wire.range, depth: depth &+ 1, &parts))
        }
    }

    /// Reads one of the six fields that cells, properties and parameters share; nil, and nothing is read, when the tag is none
    /// of them.
    ///
    /// - Parameter first: the number of `int_value`, which the others follow.
    init?(
        _ tag: UInt32, from first: UInt32, _ bytes: borrowing Span<UInt8>, _ index: inout Int, _ end: Int
    ) throws(SparkplugError) {
        guard tag >> 3 >= first else { return nil }
        switch (tag >> 3 &- first, tag & 7) {
        case (0, Wire.Kind.varint): self = .int(UInt32(truncatingIfNeeded: try Wire.varint(bytes, &index, end)))
        case (1, Wire.Kind.varint): self = .long(try Wire.varint(bytes, &index, end))
        case (2, Wire.Kind.fixed32): self = .float(Float(bitPattern: try Wire.fixed32(bytes, &index, end)))
        case (3, Wire.Kind.fixed64): self = .double(Double(bitPattern: try Wire.fixed64(bytes, &index, end)))
        case (4, Wire.Kind.varint): self = .bool(try Wire.varint(bytes, &index, end) != 0)
        case (5, Wire.Kind.length): self = .string(bytes.extracting(try Wire.text(bytes, &index, end)).text())
        default: return nil
        }
    }

    /// - Parameter first: the number of `int_value`, which the others follow.
    func write(into writer: inout WireWriter, from first: UInt32) {
        switch self {
        case .int(let value): writer.field(first, varint: UInt64(value))
        case .long(let value): writer.field(first + 1, varint: value)
        case .float(let value): writer.field(first + 2, fixed32: value.bitPattern)
        case .double(let value): writer.field(first + 3, fixed64: value.bitPattern)
        case .bool(let value): writer.field(first + 4, bool: value)
        case .string(let text): writer.field(first + 5, text: text)
        case .bytes(let bytes): writer.field(first + 6, bytes: bytes)
        case .dataSet(let dataSet): writer.field(first + 7, message: dataSet.write)
        case .template(let template): writer.field(first + 8, message: template.write)
        // Of properties alone, behind the six that all have.
        case .propertySet(let set): writer.field(first + 6, message: set.write)
        case .propertySetList(let sets):
            writer.field(first + 7) { list in
                for set in sets { list.field(1, message: set.write) }
            }
        }
    }
}
