import SparkplugB

/// Bytes in hexadecimal, for messages about failures.
func hexText(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

/// A message, or why it is none.
func decode(_ bytes: [UInt8]) -> Result<SparkplugPayload, SparkplugError> {
    do throws(SparkplugError) {
        return .success(try SparkplugPayload(bytes.span))
    } catch {
        return .failure(error)
    }
}

/// The first metric of a message as a value of its own type, or why it is none.
func scalar(_ bytes: [UInt8], as type: SparkplugDataType? = nil) -> Result<SparkplugScalar, SparkplugError> {
    do throws(SparkplugError) {
        var reader = try SparkplugMetricReader(bytes.span)
        guard let view = try reader.next(bytes.span) else { return .failure(SparkplugError(.missingValue, at: 0)) }
        return .success(try view.scalar(as: type ?? view.type, in: bytes.span))
    } catch {
        return .failure(error)
    }
}

func scalar(_ type: SparkplugDataType, _ value: SparkplugValue?) -> Result<SparkplugScalar, SparkplugError> {
    scalar(SparkplugPayload(metrics: [SparkplugMetric(name: "m", type: type, value: value)]).encoded)
}

extension Result where Failure == SparkplugError {
    var reason: SparkplugError.Reason? { if case .failure(let error) = self { error.reason } else { nil } }
    var value: Success? { if case .success(let value) = self { value } else { nil } }
}
