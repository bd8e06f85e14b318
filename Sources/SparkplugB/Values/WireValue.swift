/// A value as its field holds it: the members of the `oneof` that metrics, cells of data sets, properties and parameters have.
///
/// A number is in `bits`; text, bytes and embedded messages are where they lie in the payload.
struct WireValue: Hashable, Sendable {
    enum Kind: UInt8, Hashable, Sendable {
        case none, int, long, float, double, bool, text, bytes, dataSet, template, unsupported
    }

    private(set) var kind = Kind.none
    private(set) var bits: UInt64 = 0

    init() {}

    @inline(__always)
    init(_ kind: Kind, _ bits: UInt64) {
        self.kind = kind
        self.bits = bits
    }

    /// - Parameter range: within a payload, which MQTT bounds to 256 MiB.
    @inline(__always)
    init(_ kind: Kind, at range: Range<Int>) {
        self.kind = kind
        bits =
            UInt64(truncatingIfNeeded: range.lowerBound) &<< 32
            | UInt64(UInt32(truncatingIfNeeded: range.count))
    }

    /// Where text, bytes or an embedded message lie.
    var range: Range<Int> {
        let start = Int(bits >> 32)
        return start..<(start &+ Int(bits & 0xFFFF_FFFF))
    }

    /// The scalar that the value stands for as a value of this type; nil when that is text, bytes or an array.
    ///
    /// Integers of up to 32 bits ride in `int_value` as two's complement, of their own width or of 32 bits. Some clients
    /// extend the sign to 64 bits, or use `long_value` for them; both are read.
    @inline(__always)
    func number(as type: SparkplugDataType, at offset: Int) throws(SparkplugError) -> SparkplugScalar? {
        switch type {
        case .double, .float:
            let value: Double
            switch kind {
            case .double: value = Double(bitPattern: bits)
            case .float: value = Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
            case .none, .int, .long, .bool, .text, .bytes, .dataSet, .template, .unsupported:
                throw SparkplugError(.wrongField, at: offset)
            }
            guard value.isFinite else { throw SparkplugError(.notFinite, at: offset) }
            return .number(value)
        case .boolean:
            guard kind == .bool else { throw SparkplugError(.wrongField, at: offset) }
            return .bool(bits != 0)
        case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .dateTime:
            return try integer(as: type, at: offset)
        case .unknown: return try untyped(at: offset)
        case .string, .text, .uuid, .bytes, .file, .int8Array, .int16Array, .int32Array, .int64Array, .uint8Array,
            .uint16Array, .uint32Array, .uint64Array, .floatArray, .doubleArray, .booleanArray, .stringArray,
            .dateTimeArray:
            return nil
        case .dataSet, .template, .propertySet, .propertySetList:
            throw SparkplugError(.unsupportedType, at: offset)
        }
    }

    private func integer(as type: SparkplugDataType, at offset: Int) throws(SparkplugError) -> SparkplugScalar {
        guard kind == .int || kind == .long else { throw SparkplugError(.wrongField, at: offset) }
        guard let range = type.integers else {
            return SparkplugScalar(unsigned: kind == .int ? bits & 0xFFFF_FFFF : bits)
        }
        let value: Int64?
        switch type {
        case .int8: value = narrow(Int8.self, UInt8.self)
        case .int16: value = narrow(Int16.self, UInt16.self)
        case .int32: value = narrow(Int32.self, UInt32.self)
        case .int64: value = Int64(bitPattern: bits)
        default: value = Int64(exactly: kind == .int ? bits & 0xFFFF_FFFF : bits)
        }
        guard let value, range.contains(value) else { throw SparkplugError(.valueOutOfRange, at: offset) }
        return .integer(value)
    }

    /// A signed integer of at most 32 bits: in two's complement of its own width, of 32 or of 64 bits.
    private func narrow<Signed: FixedWidthInteger, Unsigned: FixedWidthInteger>(
        _ signed: Signed.Type, _ unsigned: Unsigned.Type
    ) -> Int64? {
        if let own = Unsigned(exactly: bits) { return Int64(Signed(truncatingIfNeeded: own)) }
        let value = kind == .int ? Int64(Int32(truncatingIfNeeded: bits)) : Int64(bitPattern: bits)
        return Signed(exactly: value).map { Int64($0) }
    }

    /// A value whose type nobody has said. An integer of 32 bits is taken as unsigned, as its field is.
    private func untyped(at offset: Int) throws(SparkplugError) -> SparkplugScalar? {
        switch kind {
        case .int: return .integer(Int64(bits & 0xFFFF_FFFF))
        case .long: return SparkplugScalar(unsigned: bits)
        case .bool: return .bool(bits != 0)
        case .float: return try number(as: .float, at: offset)
        case .double: return try number(as: .double, at: offset)
        case .text, .bytes: return nil
        case .none: throw SparkplugError(.missingValue, at: offset)
        case .dataSet, .template, .unsupported: throw SparkplugError(.unsupportedType, at: offset)
        }
    }
}

extension WireValue {
    /// The scalar that the value stands for as a value of this type.
    ///
    /// - Parameter offset: where the metric begins, for the mistake.
    @inline(__always)
    func scalar(
        as type: SparkplugDataType, _ bytes: borrowing Span<UInt8>, at offset: Int
    ) throws(SparkplugError) -> SparkplugScalar {
        guard kind != .none else { throw SparkplugError(.missingValue, at: offset) }
        if let number = try number(as: type, at: offset) { return number }
        return try text(as: type, bytes, at: offset)
    }

    private func text(
        as type: SparkplugDataType, _ bytes: borrowing Span<UInt8>, at offset: Int
    ) throws(SparkplugError) -> SparkplugScalar {
        guard kind == .bytes || kind == .text else { throw SparkplugError(.wrongField, at: offset) }
        return try SparkplugScalar(bytes.extracting(range), isBytes: kind == .bytes, as: type, at: offset)
    }
}
