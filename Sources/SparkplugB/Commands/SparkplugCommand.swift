/// A command to an edge node or a device: a new value for a metric that its birth has named.
///
/// The metric is named by its name, which means the same after a birth that this gateway has not heard, and by its alias where it
/// has one: there are edge nodes that look at either alone, and the specification asks for both in different places. Sparkplug has
/// no reply: the device confirms by telling the value in data (``expected``). A birth confirms nothing: it tells what was so anyway.
public struct SparkplugCommand: Hashable, Sendable {
    /// The metric by which a host asks for a birth.
    public static var rebirthMetric: String { SparkplugName.rebirth }

    /// The metric, as its birth names it.
    public let metric: String
    public let type: SparkplugDataType
    /// What the device will tell when it has done it: the value in the precision of its type.
    public let expected: SparkplugScalar
    let value: SparkplugValue

    /// - Throws: when the value does not fit the type, or nothing of this type can be written.
    public init(
        metric: String, type: SparkplugDataType, value: SparkplugScalar
    ) throws(SparkplugCommandRefusal) {
        self.metric = metric
        self.type = type
        self.value = try SparkplugValue(value, as: type)
        guard let expected = try? self.value.scalar(as: type, at: 0) else { throw .kind(type) }
        self.expected = expected
    }

    /// The payload of the NCMD or DCMD. It has no sequence number.
    ///
    /// - Parameters:
    ///   - time: when it is sent, in milliseconds since 1970 UTC.
    ///   - alias: the metric's in the birth that holds then.
    public func payload(at time: Int64, alias: UInt64?) -> [UInt8] {
        let time = UInt64(clamping: time)
        let metric = SparkplugMetric(name: metric, alias: alias, timestamp: time, type: type, value: value)
        return SparkplugPayload(timestamp: time, metrics: [metric]).encoded
    }

    /// The payload of the NCMD by which a host asks for a rebirth. Its metric has no alias, in no edge node.
    public static func rebirth(at time: Int64) -> [UInt8] {
        let time = UInt64(clamping: time)
        let metric = SparkplugMetric(
            name: SparkplugName.rebirth, timestamp: time, type: .boolean, value: .bool(true))
        return SparkplugPayload(timestamp: time, metrics: [metric]).encoded
    }
}

/// Why a value cannot be written to a metric.
public enum SparkplugCommandRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// Nothing of this type can be written.
    case type(SparkplugDataType)
    /// The value is of another kind, such as text for a number.
    case kind(SparkplugDataType)
    case outOfRange(SparkplugDataType)
    /// The type has no such number, only a near one.
    case inexact(SparkplugDataType)

    public var description: String {
        switch self {
        case .type(let type): "a metric of type \(type.name) cannot be written"
        case .kind(let type): "the value is of another kind than the metric, which is of type \(type.name)"
        case .outOfRange(let type): "the value is out of the range of the metric, which is of type \(type.name)"
        case .inexact(let type): "the metric is of type \(type.name), which does not have exactly this number"
        }
    }
}
