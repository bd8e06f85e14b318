import JSON

extension JSONError {
    /// The same mistake in the words that `SalvagedJSON` has for it.
    init(_ error: CBORError) {
        let reason: Reason =
            switch error.reason {
            case .empty: .empty
            case .unexpectedEnd, .lengthBeyondEnd: .unexpectedEnd
            case .trailingBytes: .trailingBytes
            case .reserved, .unexpectedBreak, .invalidChunk, .unsupportedKey, .unassignedSimple, .invalidTagContent:
                .unexpectedByte
            case .tooDeep: .tooDeep
            case .invalidUTF8: .invalidUTF8
            case .duplicateKey: .duplicateKey
            case .notFinite: .notFinite
            case .numberOutOfRange: .numberOutOfRange
            }
        self.init(reason, at: error.offset)
    }
}
