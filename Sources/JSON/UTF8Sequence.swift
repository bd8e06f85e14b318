/// Well-formed UTF-8 as Unicode's table 3-7 has it: no overlong forms, no surrogates, nothing beyond U+10FFFF.
package enum UTF8Sequence {
    /// The length of the sequence that begins at `index` with a byte of 0x80 or more; 0 when it is not well formed.
    package static func length(_ bytes: borrowing Span<UInt8>, at index: Int) -> Int {
        let lead = bytes[index]
        let available = bytes.count &- index
        switch lead {
        case 0xC2...0xDF:
            return available >= 2 && isContinuation(bytes[index &+ 1]) ? 2 : 0
        case 0xE0...0xEF:
            guard available >= 3, isContinuation(bytes[index &+ 1]), isContinuation(bytes[index &+ 2]) else { return 0 }
            if lead == 0xE0, bytes[index &+ 1] < 0xA0 { return 0 }
            if lead == 0xED, bytes[index &+ 1] >= 0xA0 { return 0 }
            return 3
        case 0xF0...0xF4:
            guard available >= 4, isContinuation(bytes[index &+ 1]), isContinuation(bytes[index &+ 2]),
                isContinuation(bytes[index &+ 3])
            else { return 0 }
            if lead == 0xF0, bytes[index &+ 1] < 0x90 { return 0 }
            if lead == 0xF4, bytes[index &+ 1] >= 0x90 { return 0 }
            return 4
        default:
            return 0
        }
    }

    @inline(__always)
    private static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }
}
