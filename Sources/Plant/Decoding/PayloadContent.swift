package import JSON

/// What of a payload is content: not the byte-order mark that editors and .NET put in front, and not the zeros that end
/// a string in C and are sent with it.
package enum PayloadContent {
    /// Where the content lies.
    package static func range(of payload: borrowing Span<UInt8>) -> Range<Int> {
        let start = hasMark(payload) ? 3 : 0
        var end = payload.count
        while end > start, payload[end &- 1] == 0 { end &-= 1 }
        return start..<end
    }

    /// The same without the white space around it, for payloads that are one word or number.
    static func word(of payload: borrowing Span<UInt8>) -> Range<Int> {
        var start = hasMark(payload) ? 3 : 0
        var end = payload.count
        while start < end, isBlank(payload[start]) { start &+= 1 }
        while end > start, isBlank(payload[end &- 1]) { end &-= 1 }
        return start..<end
    }

    @inline(__always)
    private static func hasMark(_ payload: borrowing Span<UInt8>) -> Bool {
        payload.count >= 3 && payload[0] == 0xEF && payload[1] == 0xBB && payload[2] == 0xBF
    }

    @inline(__always)
    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0D).contains(byte) || byte == 0
    }
}

extension JSONValue {
    /// Parses the content of a payload strictly.
    package init(payload: [UInt8]) throws(JSONError) {
        let range = PayloadContent.range(of: payload.span)
        self = try JSONParser.parse(payload.span.extracting(range))
    }
}

extension SalvagedJSON {
    /// Reads what can be read of a payload's content.
    init(payload: [UInt8]) throws(JSONError) {
        let range = PayloadContent.range(of: payload.span)
        try self.init(salvaging: payload.span.extracting(range))
    }
}
