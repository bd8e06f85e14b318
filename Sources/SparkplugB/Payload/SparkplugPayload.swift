/// A whole message as values: for what is rare, such as births to be written, simulations and tests. Data that arrives is read
/// by ``SparkplugMetricReader``.
public struct SparkplugPayload: Hashable, Sendable {
    /// When it is sent, in milliseconds since 1970 UTC.
    public var timestamp: UInt64?
    public var metrics: [SparkplugMetric]
    /// From 0 to 255, in all messages of an edge node but its NDEATH; commands have none.
    public var sequence: UInt64?
    public var uuid: String?
    public var body: [UInt8]?

    public init(timestamp: UInt64? = nil, sequence: UInt64? = nil, metrics: [SparkplugMetric] = []) {
        self.timestamp = timestamp
        self.sequence = sequence
        self.metrics = metrics
    }

    /// Reads a message all of which must be right. No input makes it trap.
    public init(_ bytes: borrowing Span<UInt8>) throws(SparkplugError) {
        var reader = try SparkplugMetricReader(bytes)
        timestamp = reader.timestamp
        sequence = reader.sequence
        uuid = reader.uuid.map { bytes.extracting($0).text() }
        body = reader.body.map { bytes.extracting($0).array() }
        metrics = []
        while let view = try reader.next(bytes) {
            var parts = PartCount()
            metrics.append(try SparkplugMetric(view, bytes, depth: 0, &parts))
        }
    }

    /// The message, its fields in the order of their numbers.
    public var encoded: [UInt8] {
        var writer = WireWriter()
        writer.field(1, varint: timestamp)
        for metric in metrics { writer.field(2, message: metric.write) }
        writer.field(3, varint: sequence)
        writer.field(4, text: uuid)
        writer.field(5, bytes: body)
        return writer.bytes
    }
}

/// How many parts of one metric are made values of: the smallest takes two bytes in the payload and a hundred in memory.
struct PartCount {
    static let capacity = 8192
    /// How deep templates or property sets may stand in one another.
    static let depthLimit = 8

    private var rest = capacity

    mutating func take(at offset: Int) throws(SparkplugError) {
        guard rest > 0 else { throw SparkplugError(.tooManyParts, at: offset) }
        rest &-= 1
    }
}

extension Span<UInt8> {
    /// A copy.
    func array() -> [UInt8] { withUnsafeBufferPointer(Array.init) }
}
