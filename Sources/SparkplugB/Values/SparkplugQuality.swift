/// How far an edge node says that a value can be trusted: the property `Quality` (Sparkplug 3.0, 6.4.12).
public enum SparkplugQuality: UInt8, Hashable, Sendable {
    /// 192, or no such property.
    case good
    /// Any other number: the specification has three, and some clients send those of OPC.
    case uncertain
    /// 0.
    case bad
    /// 500.
    case stale

    init(code: Int64) {
        switch code {
        case 192: self = .good
        case 0: self = .bad
        case 500: self = .stale
        default: self = .uncertain
        }
    }

    /// Reads the property out of a property set. Its key is taken in any case: the specification writes `Quality`, some clients
    /// do not. The first of several counts; a null is none.
    ///
    /// - Parameter set: where the content of the property set lies.
    init(_ bytes: borrowing Span<UInt8>, in set: Range<Int>) throws(SparkplugError) {
        self = .good
        // Keys and values lie in lists of their own: the first key says which value it is.
        guard let position = try Self.position(bytes, in: set) else { return }
        var index = set.lowerBound
        var count = 0
        while index < set.upperBound {
            let tag = try Wire.tag(bytes, &index, set.upperBound)
            guard tag == 0x12 else {
                try Wire.skip(tag, bytes, &index, set.upperBound)
                continue
            }
            let content = try Wire.content(bytes, &index, set.upperBound)
            if count == position {
                if let code = try Self.code(bytes, in: content) { self = Self(code: code) }
                return
            }
            count &+= 1
        }
    }

    private static func position(_ bytes: borrowing Span<UInt8>, in set: Range<Int>) throws(SparkplugError) -> Int? {
        var index = set.lowerBound
        var count = 0
        while index < set.upperBound {
            let tag = try Wire.tag(bytes, &index, set.upperBound)
            guard tag == 0x0A else {
                try Wire.skip(tag, bytes, &index, set.upperBound)
                continue
            }
            if isKey(bytes, in: try Wire.content(bytes, &index, set.upperBound)) { return count }
            count &+= 1
        }
        return nil
    }

    private static func isKey(_ bytes: borrowing Span<UInt8>, in key: Range<Int>) -> Bool {
        let word: StaticString = "quality"
        guard key.count == word.utf8CodeUnitCount else { return false }
        for offset in 0..<key.count where bytes[key.lowerBound &+ offset] | 0x20 != word.utf8Start[offset] {
            return false
        }
        return true
    }

    /// The number in a property value; nil when it is null.
    private static func code(_ bytes: borrowing Span<UInt8>, in value: Range<Int>) throws(SparkplugError) -> Int64? {
        var parts = PartCount()
        let property = try SparkplugPropertyValue(bytes, value, depth: 0, &parts)
        guard !property.isNull else { return nil }
        switch property.value {
        case .int(let value): return Int64(Int32(bitPattern: value))
        case .long(let value): return Int64(bitPattern: value)
        default: throw SparkplugError(.invalidQuality, at: value.lowerBound)
        }
    }
}
