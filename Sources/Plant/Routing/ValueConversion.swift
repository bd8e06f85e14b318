import JSON

/// What is made of a value before it is a tag's: a word's meaning, or a number in the unit that people use.
///
/// Either `words` says what each value of the device means, or the value is a number: it is read without its suffix and by
/// its decimal sign, and then scaled. The two exclude each other.
public struct ValueConversion: Sendable, Hashable {
    /// By the device's word as text (`ON`, `1`, `true`), compared byte by byte; what is not in it cannot be read. Empty: the
    /// value is a number.
    public let words: [String: TagValue]
    /// What may follow the number in the payload, such as `°C`; blanks before it do not count.
    public let suffixes: [String]
    /// Whether the device writes `21,5` for 21.5.
    public let hasDecimalComma: Bool
    /// What the device's number is multiplied by, before ``offset`` is added.
    public let scale: Double
    public let offset: Double

    public init(words: [String: TagValue]) {
        self.words = words
        suffixes = []
        hasDecimalComma = false
        scale = 1
        offset = 0
    }

    public init(suffixes: [String] = [], hasDecimalComma: Bool = false, scale: Double = 1, offset: Double = 0) {
        words = [:]
        // The longest first: `C` is the end of `°C`.
        self.suffixes = suffixes.sorted { $0.utf8.count > $1.utf8.count }
        self.hasDecimalComma = hasDecimalComma
        self.scale = scale
        self.offset = offset
    }

    func callAsFunction(_ value: TagValue) throws(DecodeFailure) -> TagValue {
        guard words.isEmpty else {
            // `==` of texts is not that of bytes, and a dictionary goes by it.
            let word = value.description
            guard let index = words.index(forKey: word), words[index].key.hasSameBytes(as: word) else {
                throw .unknownWord(word)
            }
            return words[index].value
        }
        switch value {
        case .integer, .number: return try scaled(value)
        case .bool: throw .boolForNumber
        case .text(let text): return try scaled(number(text))
        }
    }

    private func number(_ text: String) throws(DecodeFailure) -> TagValue {
        var bytes = Array(text.utf8)
        bytes.removeLast(bytes.count - PayloadContent.word(of: bytes.span).upperBound)
        if let suffix = suffixes.first(where: {
            bytes.count > $0.utf8.count && bytes.suffix($0.utf8.count).elementsEqual($0.utf8)
        }) {
            bytes.removeLast(suffix.utf8.count)
        }
        if hasDecimalComma {
            // With a decimal comma a point can only set off thousands, and nothing says that it does so at the right places.
            guard !bytes.contains(UInt8(ascii: ".")) else { throw .notNumber }
            for index in bytes.indices where bytes[index] == UInt8(ascii: ",") { bytes[index] = UInt8(ascii: ".") }
        }
        return try PayloadDecoder.number(bytes.span)
    }

    private func scaled(_ value: TagValue) throws(DecodeFailure) -> TagValue {
        guard scale != 1 || offset != 0 else { return value }
        if case .integer(let integer) = value, let scale = Int64(exactly: scale), let offset = Int64(exactly: offset) {
            let (product, overflows) = integer.multipliedReportingOverflow(by: scale)
            let (sum, overflowsToo) = product.addingReportingOverflow(offset)
            if !overflows, !overflowsToo { return .integer(sum) }
        }
        guard let number = value.doubleValue else { throw .notNumber }
        // 3 × 0.1 is not the double that is nearest to 0.3, and 3 ÷ 10 is.
        let divisor = (1 / scale).rounded()
        let product = scale.magnitude < 1 && 1 / divisor == scale ? number / divisor : number * scale
        let result = product + offset
        guard result.isFinite else { throw .notFinite }
        return .number(result)
    }
}
