import JSON

/// Reads the arrays of Sparkplug 3.0, 6.4.17, as JSON text.
///
/// Numbers lie one behind the other in little-endian order: the text of the specification says so, though the bytes of some of
/// its examples are in the other order. Booleans follow a count of four bytes, eight in a byte, the first one in the highest
/// bit. Text ends with a NUL, the last one as well.
///
/// A byte can become 48 bytes of text, so what becomes too long is refused while it is made.
enum ArrayText {
    /// - Parameter type: one of the array types.
    static func text(
        _ bytes: borrowing Span<UInt8>, of type: SparkplugDataType, at offset: Int
    ) throws(SparkplugError) -> String {
        var text = [UInt8(ascii: "[")]
        switch type {
        case .booleanArray: try booleans(bytes, into: &text, at: offset)
        case .stringArray: try strings(bytes, into: &text, at: offset)
        default: try numbers(bytes, of: type, into: &text, at: offset)
        }
        // Each element has left a comma behind it.
        if text.last == UInt8(ascii: ",") { text.removeLast() }
        text.append(UInt8(ascii: "]"))
        return String(decoding: text, as: UTF8.self)
    }

    /// Bytes of one element; nil for what is no array of numbers.
    static func width(of type: SparkplugDataType) -> Int? {
        switch type {
        case .int8Array, .uint8Array: 1
        case .int16Array, .uint16Array: 2
        case .int32Array, .uint32Array, .floatArray: 4
        case .int64Array, .uint64Array, .doubleArray, .dateTimeArray: 8
        default: nil
        }
    }

    /// - Parameter text: with a comma or a bracket behind its last element, so that it is as long as the whole.
    private static func checkLength(_ text: borrowing [UInt8], at offset: Int) throws(SparkplugError) {
        guard text.count <= SparkplugScalar.textCapacity else { throw SparkplugError(.textTooLong, at: offset) }
    }

    private static func numbers(
        _ bytes: borrowing Span<UInt8>, of type: SparkplugDataType, into text: inout [UInt8], at offset: Int
    ) throws(SparkplugError) {
        guard let width = width(of: type) else { throw SparkplugError(.unsupportedType, at: offset) }
        guard bytes.count.isMultiple(of: width) else { throw SparkplugError(.arrayLength, at: offset) }
        var index = 0
        while index < bytes.count {
            let bits = Wire.littleEndian(bytes, index, width)
            switch type {
            case .int8Array: JSONWriter.write(Int64(Int8(truncatingIfNeeded: bits)), into: &text)
            case .int16Array: JSONWriter.write(Int64(Int16(truncatingIfNeeded: bits)), into: &text)
            case .int32Array: JSONWriter.write(Int64(Int32(truncatingIfNeeded: bits)), into: &text)
            case .int64Array: JSONWriter.write(Int64(bitPattern: bits), into: &text)
            case .floatArray:
                try write(Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits))), into: &text, at: offset)
            case .doubleArray: try write(Double(bitPattern: bits), into: &text, at: offset)
            default: text.append(contentsOf: String(bits).utf8)
            }
            text.append(UInt8(ascii: ","))
            try checkLength(text, at: offset)
            index &+= width
        }
    }

    /// JSON has no word for what is not finite, as a value of its own has none.
    private static func write(
        _ number: Double, into text: inout [UInt8], at offset: Int
    ) throws(SparkplugError) {
        guard number.isFinite else { throw SparkplugError(.notFinite, at: offset) }
        JSONWriter.write(number, into: &text)
    }

    private static func booleans(
        _ bytes: borrowing Span<UInt8>, into text: inout [UInt8], at offset: Int
    ) throws(SparkplugError) {
        guard bytes.count >= 4 else { throw SparkplugError(.arrayLength, at: offset) }
        let count = Int(Wire.littleEndian(bytes, 0, 4))
        guard bytes.count &- 4 == (count &+ 7) / 8 else { throw SparkplugError(.arrayLength, at: offset) }
        for position in 0..<count {
            let byte = bytes[4 &+ position / 8]
            text.append(contentsOf: byte & (0x80 >> UInt8(position % 8)) == 0 ? "false,".utf8 : "true,".utf8)
            try checkLength(text, at: offset)
        }
    }

    private static func strings(
        _ bytes: borrowing Span<UInt8>, into text: inout [UInt8], at offset: Int
    ) throws(SparkplugError) {
        if let last = bytes.indices.last, bytes[last] != 0 { throw SparkplugError(.unterminatedText, at: offset) }
        guard Wire.firstInvalidUTF8(bytes, bytes.indices) == nil else { throw SparkplugError(.invalidUTF8, at: offset) }
        var start = 0
        for index in bytes.indices where bytes[index] == 0 {
            JSONWriter.write(bytes.extracting(start..<index).text(), into: &text)
            text.append(UInt8(ascii: ","))
            try checkLength(text, at: offset)
            start = index &+ 1
        }
    }
}
