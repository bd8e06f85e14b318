/// The data types of Sparkplug 3.0, 6.4.16.
public enum SparkplugDataType: UInt8, Hashable, Sendable, CaseIterable {
    case unknown = 0
    case int8, int16, int32, int64, uint8, uint16, uint32, uint64, float, double, boolean, string, dateTime, text, uuid
    case dataSet, bytes, file, template, propertySet, propertySetList
    case int8Array, int16Array, int32Array, int64Array, uint8Array, uint16Array, uint32Array, uint64Array
    case floatArray, doubleArray, booleanArray, stringArray, dateTimeArray

    /// The type of that number; unknown when there is none.
    @inline(__always)
    init(number: UInt32) {
        self = UInt8(exactly: number).flatMap(Self.init(rawValue:)) ?? .unknown
    }

    /// The range of an integer of this type that is not unsigned and of 64 bits.
    var integers: ClosedRange<Int64>? {
        switch self {
        case .int8: -0x80...0x7F
        case .int16: -0x8000...0x7FFF
        case .int32: -0x8000_0000...0x7FFF_FFFF
        case .int64: Int64.min...Int64.max
        case .uint8: 0...0xFF
        case .uint16: 0...0xFFFF
        case .uint32: 0...0xFFFF_FFFF
        case .dateTime: 0...Int64.max
        case .unknown, .uint64, .float, .double, .boolean, .string, .text, .uuid, .dataSet, .bytes, .file, .template,
            .propertySet, .propertySetList, .int8Array, .int16Array, .int32Array, .int64Array, .uint8Array,
            .uint16Array, .uint32Array, .uint64Array, .floatArray, .doubleArray, .booleanArray, .stringArray,
            .dateTimeArray:
            nil
        }
    }

    /// Whether a metric of this type becomes several tags.
    var isCompound: Bool { self == .dataSet || self == .template }

    /// The word in the specification.
    public var name: String {
        switch self {
        case .unknown: "Unknown"
        case .int8: "Int8"
        case .int16: "Int16"
        case .int32: "Int32"
        case .int64: "Int64"
        case .uint8: "UInt8"
        case .uint16: "UInt16"
        case .uint32: "UInt32"
        case .uint64: "UInt64"
        case .float: "Float"
        case .double: "Double"
        case .boolean: "Boolean"
        case .string: "String"
        case .dateTime: "DateTime"
        case .text: "Text"
        case .uuid: "UUID"
        case .dataSet: "DataSet"
        case .bytes: "Bytes"
        case .file: "File"
        case .template: "Template"
        case .propertySet: "PropertySet"
        case .propertySetList: "PropertySetList"
        case .int8Array: "Int8Array"
        case .int16Array: "Int16Array"
        case .int32Array: "Int32Array"
        case .int64Array: "Int64Array"
        case .uint8Array: "UInt8Array"
        case .uint16Array: "UInt16Array"
        case .uint32Array: "UInt32Array"
        case .uint64Array: "UInt64Array"
        case .floatArray: "FloatArray"
        case .doubleArray: "DoubleArray"
        case .booleanArray: "BooleanArray"
        case .stringArray: "StringArray"
        case .dateTimeArray: "DateTimeArray"
        }
    }
}
