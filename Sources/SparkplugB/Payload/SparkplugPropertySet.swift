/// What a metric says about itself besides its value: keys and values, as two lists of the same length.
public struct SparkplugPropertySet: Hashable, Sendable {
    public var keys: [String]
    public var values: [SparkplugPropertyValue]

    public init(keys: [String] = [], values: [SparkplugPropertyValue] = []) {
        self.keys = keys
        self.values = values
    }

    /// The property by which a value's quality is said.
    public init(quality: SparkplugQuality) {
        let code: UInt32 =
            switch quality {
            case .good: 192
            case .uncertain: 64
            case .bad: 0
            case .stale: 500
            }
        self.init(keys: ["Quality"], values: [SparkplugPropertyValue(type: .int32, value: .int(code))])
    }

    /// - Parameter depth: how many property sets it stands in.
    init(
        _ bytes: borrowing Span<UInt8>, _ range: Range<Int>, depth: Int, _ parts: inout PartCount
    ) throws(SparkplugError) {
        guard depth < PartCount.depthLimit else { throw SparkplugError(.tooDeep, at: range.lowerBound) }
        self.init()
        var index = range.lowerBound
        let end = range.upperBound
        while index < end {
            let tag = try Wire.tag(bytes, &index, end)
            switch tag {
            case 0x0A:
                try parts.take(at: index)
                keys.append(bytes.extracting(try Wire.text(bytes, &index, end)).text())
            case 0x12:
                try parts.take(at: index)
                let content = try Wire.content(bytes, &index, end)
                values.append(try SparkplugPropertyValue(bytes, content, depth: depth, &parts))
            default: try Wire.skip(tag, bytes, &index, end)
            }
        }
    }

    func write(into writer: inout WireWriter) {
        for key in keys { writer.field(1, text: key) }
        for value in values { writer.field(2, message: value.write) }
    }
}

/// The value of a property.
public struct SparkplugPropertyValue: Hashable, Sendable {
    public var type: SparkplugDataType
    public var isNull = false
    public var value: SparkplugValue?

    public init(type: SparkplugDataType, value: SparkplugValue?) {
        self.type = type
        self.value = value
    }

    /// - Parameter depth: how many property sets stand around its own.
    init(
        _ bytes: borrowing Span<UInt8>, _ range: Range<Int>, depth: Int, _ parts: inout PartCount
    ) throws(SparkplugError) {
        self.init(type: .unknown, value: nil)
        var index = range.lowerBound
        let end = range.upperBound
        while index < end {
            let tag = try Wire.tag(bytes, &index, end)
            switch tag {
            case 0x08:
                type = SparkplugDataType(number: UInt32(truncatingIfNeeded: try Wire.varint(bytes, &index, end)))
            case 0x10: isNull = try Wire.varint(bytes, &index, end) != 0
            case 0x4A:
                if case .propertySet = value { throw SparkplugError(.repeatedMessage, at: index) }
                let content = try Wire.content(bytes, &index, end)
                value = .propertySet(try SparkplugPropertySet(bytes, content, depth: depth &+ 1, &parts))
            case 0x52:
                if case .propertySetList = value { throw SparkplugError(.repeatedMessage, at: index) }
                let content = try Wire.content(bytes, &index, end)
                value = .propertySetList(try Self.sets(bytes, content, depth: depth, &parts))
            default:
                if let field = try SparkplugValue(tag, from: 3, bytes, &index, end) {
                    value = field
                } else {
                    try Wire.skip(tag, bytes, &index, end)
                }
            }
        }
    }

    private static func sets(
        _ bytes: borrowing Span<UInt8>, _ range: Range<Int>, depth: Int, _ parts: inout PartCount
    ) throws(SparkplugError) -> [SparkplugPropertySet] {
        var sets: [SparkplugPropertySet] = []
        var index = range.lowerBound
        while index < range.upperBound {
            let tag = try Wire.tag(bytes, &index, range.upperBound)
            guard tag == 0x0A else {
                try Wire.skip(tag, bytes, &index, range.upperBound)
                continue
            }
            try parts.take(at: index)
            let content = try Wire.content(bytes, &index, range.upperBound)
            sets.append(try SparkplugPropertySet(bytes, content, depth: depth &+ 1, &parts))
        }
        return sets
    }

    func write(into writer: inout WireWriter) {
        writer.field(1, varint: type == .unknown ? nil : UInt64(type.rawValue))
        writer.field(2, bool: isNull ? true : nil)
        value?.write(into: &writer, from: 3)
    }
}
