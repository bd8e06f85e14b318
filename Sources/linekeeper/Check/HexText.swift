/// Bytes as a person types them: pairs of hexadecimal digits, with or without spaces between them.
enum HexText {
    /// nil when it is anything else.
    static func bytes(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in text where character != " " {
            guard character.isASCII, let digit = character.hexDigitValue.map({ UInt8($0) }) else { return nil }
            if let first = high {
                bytes.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return high == nil ? bytes : nil
    }
}
