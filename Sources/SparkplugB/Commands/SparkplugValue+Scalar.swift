extension SparkplugValue {
    /// A value to be written to a metric of this type.
    ///
    /// An integer type takes a number without a fraction, and a floating-point type an integer that it has exactly. A number with a
    /// fraction is rounded to the nearest of its type. Data sets, templates, arrays and bytes cannot be written.
    init(_ scalar: SparkplugScalar, as type: SparkplugDataType) throws(SparkplugCommandRefusal) {
        switch type {
        case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .dateTime:
            self = try Self.integer(scalar, as: type)
        case .float:
            let number = try Self.number(scalar, as: type)
            let float = Float(number)
            guard float.isFinite else { throw .outOfRange(type) }
            if case .number = scalar {} else if Double(float) != number { throw .inexact(type) }
            self = .float(float)
        case .double: self = .double(try Self.number(scalar, as: type))
        case .boolean:
            guard case .bool(let bool) = scalar else { throw .kind(type) }
            self = .bool(bool)
        case .string, .text, .uuid:
            guard case .text(let text) = scalar else { throw .kind(type) }
            guard text.utf8.count <= SparkplugScalar.textCapacity else { throw .outOfRange(type) }
            if type == .uuid, !UUIDText.isOne(Array(text.utf8).span) { throw .kind(type) }
            self = .string(text)
        case .unknown, .dataSet, .bytes, .file, .template, .propertySet, .propertySetList, .int8Array, .int16Array,
            .int32Array, .int64Array, .uint8Array, .uint16Array, .uint32Array, .uint64Array, .floatArray, .doubleArray,
            .booleanArray, .stringArray, .dateTimeArray:
            throw .type(type)
        }
    }

    private static func integer(
        _ scalar: SparkplugScalar, as type: SparkplugDataType
    ) throws(SparkplugCommandRefusal) -> SparkplugValue {
        let value: Int64
        switch scalar {
        case .integer(let integer): value = integer
        case .unsigned(let unsigned):
            guard type == .uint64 else { throw .outOfRange(type) }
            return .long(unsigned)
        case .number(let number):
            guard number == number.rounded() else { throw number.isFinite ? .inexact(type) : .outOfRange(type) }
            if type == .uint64, let unsigned = UInt64(exactly: number) { return .long(unsigned) }
            guard let integer = Int64(exactly: number) else { throw .outOfRange(type) }
            value = integer
        case .bool, .text: throw .kind(type)
        }
        let range = type.integers ?? 0...Int64.max
        guard range.contains(value) else { throw .outOfRange(type) }
        switch type {
        case .int64, .uint64, .dateTime: return .long(UInt64(bitPattern: value))
        default: return .int(UInt32(truncatingIfNeeded: value))
        }
    }

    private static func number(
        _ scalar: SparkplugScalar, as type: SparkplugDataType
    ) throws(SparkplugCommandRefusal) -> Double {
        switch scalar {
        case .number(let number):
            guard number.isFinite else { throw .outOfRange(type) }
            return number
        case .integer(let integer):
            guard let number = Double(exactly: integer) else { throw .inexact(type) }
            return number
        case .unsigned(let unsigned):
            guard let number = Double(exactly: unsigned) else { throw .inexact(type) }
            return number
        case .bool, .text: throw .kind(type)
        }
    }
}
