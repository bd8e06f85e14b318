/// Reads map keys as member names.
enum CBORKey {
    /// Moves past a key. Text is the name itself, an integer its decimal text, exact over all 65 bits.
    static func name(_ bytes: borrowing Span<UInt8>, _ index: inout Int) throws(CBORError) -> String {
        let head = try CBORHead.read(bytes, &index)
        switch head.major {
        case .text: return try CBORString.text(head, bytes, &index)
        case .unsigned: return String(head.argument)
        case .negative:
            // The value is -1 - argument (RFC 8949, 3.1).
            let (magnitude, overflow) = head.argument.addingReportingOverflow(1)
            return overflow ? "-18446744073709551616" : "-\(magnitude)"
        case .bytes, .array, .map, .tag, .simple:
            guard !head.isBreak else { throw CBORError(.unexpectedBreak, at: head.offset) }
            throw CBORError(.unsupportedKey, at: head.offset)
        }
    }
}
