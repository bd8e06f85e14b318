/// A value of a metric, of a cell of a data set, of a property or of a parameter, as its field has it.
///
/// Metrics have all but property sets; cells and parameters the first six; properties those and property sets.
public indirect enum SparkplugValue: Hashable, Sendable {
    /// Integers of up to 32 bits, in two's complement.
    case int(UInt32)
    /// Integers of 64 bits, in two's complement, and times.
    case long(UInt64)
    case float(Float)
    case double(Double)
    case bool(Bool)
    case string(String)
    /// Bytes, files and arrays.
    case bytes([UInt8])
    case dataSet(SparkplugDataSet)
    case template(SparkplugTemplate)
    case propertySet(SparkplugPropertySet)
    case propertySetList([SparkplugPropertySet])

    /// The scalar that it stands for as a value of this type.
    ///
    /// - Parameter offset: where the metric begins, for the mistake.
    func scalar(as type: SparkplugDataType, at offset: Int) throws(SparkplugError) -> SparkplugScalar {
        let wire: WireValue
        switch self {
        case .int(let value): wire = WireValue(.int, UInt64(value))
        case .long(let value): wire = WireValue(.long, value)
        case .float(let value): wire = WireValue(.float, UInt64(value.bitPattern))
        case .double(let value): wire = WireValue(.double, value.bitPattern)
        case .bool(let value): wire = WireValue(.bool, value ? 1 : 0)
        case .string(let text):
            let bytes = Array(text.utf8)
            return try WireValue(.text, at: 0..<bytes.count).scalar(as: type, bytes.span, at: offset)
        case .bytes(let bytes):
            return try WireValue(.bytes, at: 0..<bytes.count).scalar(as: type, bytes.span, at: offset)
        case .dataSet, .template, .propertySet, .propertySetList: throw SparkplugError(.unsupportedType, at: offset)
        }
        guard let number = try wire.number(as: type, at: offset) else { throw SparkplugError(.wrongField, at: offset) }
        return number
    }
}
