/// Reads text and byte strings, in one piece or in chunks (RFC 8949, 3.1 and 3.2.3).
enum CBORString {
    /// The text whose head has been read.
    @inline(__always)
    static func text(
        _ head: CBORHead, _ bytes: borrowing Span<UInt8>, _ index: inout Int
    ) throws(CBORError) -> String {
        if head.isIndefinite { return try chunkedText(bytes, &index) }
        return try piece(head, bytes, &index)
    }

    private static func piece(
        _ head: CBORHead, _ bytes: borrowing Span<UInt8>, _ index: inout Int
    ) throws(CBORError) -> String {
        let start = index
        index &+= try head.length(in: bytes, from: index, unit: 1)
        let text = bytes.extracting(start..<index).withUnsafeBufferPointer { String(validating: $0, as: UTF8.self) }
        guard let text else { throw CBORError(.invalidUTF8, at: head.offset) }
        return text
    }

    /// Each chunk must be UTF-8 by itself: a character may not be split between two (3.2.3).
    private static func chunkedText(_ bytes: borrowing Span<UInt8>, _ index: inout Int) throws(CBORError) -> String {
        var text = ""
        while let chunk = try nextChunk(of: .text, bytes, &index) { text += try piece(chunk, bytes, &index) }
        return text
    }

    /// The content of the byte string whose head has been read.
    static func bytes(
        _ head: CBORHead, _ bytes: borrowing Span<UInt8>, _ index: inout Int
    ) throws(CBORError) -> [UInt8] {
        var content: [UInt8] = []
        if head.isIndefinite {
            while let chunk = try nextChunk(of: .bytes, bytes, &index) {
                try append(chunk, bytes, &index, to: &content)
            }
        } else {
            try append(head, bytes, &index, to: &content)
        }
        return content
    }

    private static func append(
        _ head: CBORHead, _ bytes: borrowing Span<UInt8>, _ index: inout Int, to content: inout [UInt8]
    ) throws(CBORError) {
        let start = index
        index &+= try head.length(in: bytes, from: index, unit: 1)
        bytes.extracting(start..<index).withUnsafeBufferPointer { content.append(contentsOf: $0) }
    }

    /// The head of the next chunk; nil at the break, which is moved past.
    static func nextChunk(
        of major: CBORHead.Major, _ bytes: borrowing Span<UInt8>, _ index: inout Int
    ) throws(CBORError) -> CBORHead? {
        let head = try CBORHead.read(bytes, &index)
        if head.isBreak { return nil }
        guard head.major == major, !head.isIndefinite else { throw CBORError(.invalidChunk, at: head.offset) }
        return head
    }
}
