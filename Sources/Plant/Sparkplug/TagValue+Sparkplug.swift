import SparkplugB

extension TagValue {
    /// A metric's value. An integer beyond `Int64` is a number.
    ///
    /// - Parameter isNumber: whether the tag has numbers: see ``NumericTags``.
    init(
        _ scalar: SparkplugScalar, isNumber: Bool, _ limits: borrowing IngestLimits
    ) throws(DecodeFailure) {
        switch scalar {
        case .integer(let integer): self = .integer(integer)
        case .unsigned(let integer): self = .number(Double(integer))
        case .number(let number): self = .number(number)
        case .bool(let bool):
            guard !isNumber else { throw .boolForNumber }
            self = .bool(bool)
        case .text(let text):
            guard !isNumber else { throw .textForNumber }
            guard text.utf8.count <= limits.textBytes else { throw .textTooLong(bytes: text.utf8.count) }
            self = .text(text)
        }
    }
}

extension SparkplugScalar {
    /// A value to be written to a metric.
    init(_ value: TagValue) {
        switch value {
        case .integer(let integer): self = .integer(integer)
        case .number(let number): self = .number(number)
        case .bool(let bool): self = .bool(bool)
        case .text(let text): self = .text(text)
        }
    }
}
