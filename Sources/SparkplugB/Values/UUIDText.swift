import JSON

/// The form of a UUID: hexadecimal digits in groups of 8, 4, 4, 4 and 12.
enum UUIDText {
    static func isOne(_ bytes: borrowing Span<UInt8>) -> Bool {
        guard bytes.count == 36 else { return false }
        for index in bytes.indices {
            switch index {
            case 8, 13, 18, 23: if bytes[index] != UInt8(ascii: "-") { return false }
            default: if JSONParser.hexDigit(bytes[index]) == nil { return false }
            }
        }
        return true
    }
}
