/// A template as a value: the definition of a kind of thing, or one such thing with its members.
public struct SparkplugTemplate: Hashable, Sendable {
    /// A member of a definition that differs from thing to thing and is no measurement.
    public struct Parameter: Hashable, Sendable {
        public var name: String?
        public var type: SparkplugDataType
        public var value: SparkplugValue?

        public init(name: String?, type: SparkplugDataType, value: SparkplugValue?) {
            self.name = name
            self.type = type
            self.value = value
        }
    }

    public var version: String?
    public var metrics: [SparkplugMetric]
    public var parameters: [Parameter]
    /// The name of the definition; a definition itself has none.
    public var reference: String?
    public var isDefinition: Bool

    public init(
        version: String? = nil, reference: String? = nil, isDefinition: Bool = false, metrics: [SparkplugMetric] = [],
        parameters: [Parameter] = []
    ) {
        self.version = version
        self.reference = reference
        self.isDefinition = isDefinition
        self.metrics = metrics
        self.parameters = parameters
    }

    /// - Parameter depth: how many templates stand in one another, with this one.
    init(
        _ bytes: borrowing Span<UInt8>, _ range: Range<Int>, depth: Int, _ parts: inout PartCount
    ) throws(SparkplugError) {
        guard depth <= PartCount.depthLimit else { throw SparkplugError(.tooDeep, at: range.lowerBound) }
        self.init()
        var index = range.lowerBound
        let end = range.upperBound
        while index < end {
            let tag = try Wire.tag(bytes, &index, end)
            switch tag {
            case 0x0A: version = bytes.extracting(try Wire.text(bytes, &index, end)).text()
            case 0x12:
                let view = try SparkplugMetricView(bytes, try Wire.content(bytes, &index, end))
                metrics.append(try SparkplugMetric(view, bytes, depth: depth, &parts))
            case 0x1A:
                try parts.take(at: index)
                parameters.append(try Parameter(bytes, try Wire.content(bytes, &index, end)))
            case 0x22: reference = bytes.extracting(try Wire.text(bytes, &index, end)).text()
            case 0x28: isDefinition = try Wire.varint(bytes, &index, end) != 0
            default: try Wire.skip(tag, bytes, &index, end)
            }
        }
    }

    /// Whether a template is a definition, at the first look: as far as its frame can be read.
    static func isDefinition(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> Bool {
        var isDefinition = false
        var index = range.lowerBound
        while index < range.upperBound {
            guard let tag = try? Wire.tag(bytes, &index, range.upperBound) else { break }
            if tag == 0x28 {
                guard let value = try? Wire.varint(bytes, &index, range.upperBound) else { break }
                isDefinition = value != 0
            } else if (try? Wire.skip(tag, bytes, &index, range.upperBound)) == nil {
                break
            }
        }
        return isDefinition
    }

    func write(into writer: inout WireWriter) {
        writer.field(1, text: version)
        for metric in metrics { writer.field(2, message: metric.write) }
        for parameter in parameters { writer.field(3, message: parameter.write) }
        writer.field(4, text: reference)
        writer.field(5, bool: isDefinition)
    }
}

extension SparkplugTemplate.Parameter {
    init(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) throws(SparkplugError) {
        self.init(name: nil, type: .unknown, value: nil)
        var index = range.lowerBound
        let end = range.upperBound
        while index < end {
            let tag = try Wire.tag(bytes, &index, end)
            switch tag {
            case 0x0A: name = bytes.extracting(try Wire.text(bytes, &index, end)).text()
            case 0x10:
                type = SparkplugDataType(number: UInt32(truncatingIfNeeded: try Wire.varint(bytes, &index, end)))
            default:
                if let field = try SparkplugValue(tag, from: 3, bytes, &index, end) {
                    value = field
                } else {
                    try Wire.skip(tag, bytes, &index, end)
                }
            }
        }
    }

    func write(into writer: inout WireWriter) {
        writer.field(1, text: name)
        writer.field(2, varint: type == .unknown ? nil : UInt64(type.rawValue))
        value?.write(into: &writer, from: 3)
    }
}
