/// A metric as a value.
public struct SparkplugMetric: Hashable, Sendable {
    public var name: String?
    public var alias: UInt64?
    /// When the value was measured, in milliseconds since 1970 UTC.
    public var timestamp: UInt64?
    /// Unknown where none is given: later messages leave it to the birth.
    public var type: SparkplugDataType
    /// Whether it is about the past, and says nothing about the present.
    public var isHistorical = false
    /// Whether it is about the present alone, and not worth keeping.
    public var isTransient = false
    public var isNull = false
    public var metaData: SparkplugMetaData?
    public var properties: SparkplugPropertySet?
    public var value: SparkplugValue?

    public init(
        name: String? = nil, alias: UInt64? = nil, timestamp: UInt64? = nil, type: SparkplugDataType = .unknown,
        value: SparkplugValue? = nil
    ) {
        self.name = name
        self.alias = alias
        self.timestamp = timestamp
        self.type = type
        self.value = value
    }

    /// The values of a metric that was read out of these bytes.
    ///
    /// - Parameter depth: how many templates it stands in.
    init(
        _ view: SparkplugMetricView, _ bytes: borrowing Span<UInt8>, depth: Int, _ parts: inout PartCount
    ) throws(SparkplugError) {
        try parts.take(at: view.range.lowerBound)
        name = view.name.map { bytes.extracting($0).text() }
        alias = view.alias
        timestamp = view.timestamp
        type = view.type
        isHistorical = view.isHistorical
        isTransient = view.isTransient
        isNull = view.isNull
        if let metaData = view.metaData { self.metaData = try SparkplugMetaData(bytes, metaData) }
        if let properties = view.properties {
            self.properties = try SparkplugPropertySet(bytes, properties, depth: 0, &parts)
        }
        value = try SparkplugValue(view.value, bytes, depth: depth, &parts)
    }

    func write(into writer: inout WireWriter) {
        writer.field(1, text: name)
        writer.field(2, varint: alias)
        writer.field(3, varint: timestamp)
        writer.field(4, varint: type == .unknown ? nil : UInt64(type.rawValue))
        writer.field(5, bool: isHistorical ? true : nil)
        writer.field(6, bool: isTransient ? true : nil)
        writer.field(7, bool: isNull ? true : nil)
        if let metaData { writer.field(8, message: metaData.write) }
        if let properties { writer.field(9, message: properties.write) }
        value?.write(into: &writer, from: 10)
    }
}
