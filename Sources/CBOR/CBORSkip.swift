import JSON

/// Moves past data items without making anything of them: RFC 8949, appendix C.
enum CBORSkip {
    /// Moves past the item at `index`; throws when it is not well-formed or nested too deep.
    static func item(_ bytes: borrowing Span<UInt8>, _ index: inout Int, depth: Int) throws(CBORError) {
        var head = try CBORHead.read(bytes, &index)
        while head.major == .tag { head = try CBORHead.read(bytes, &index) }
        switch head.major {
        case .unsigned, .negative, .tag: return
        case .simple:
            guard !head.isBreak else { throw CBORError(.unexpectedBreak, at: head.offset) }
        case .bytes, .text: try string(head, bytes, &index)
        case .array, .map: try container(head, bytes, &index, depth: depth)
        }
    }

    private static func string(
        _ head: CBORHead, _ bytes: borrowing Span<UInt8>, _ index: inout Int
    ) throws(CBORError) {
        guard head.isIndefinite else {
            index &+= try head.length(in: bytes, from: index, unit: 1)
            return
        }
        while let chunk = try CBORString.nextChunk(of: head.major, bytes, &index) {
            index &+= try chunk.length(in: bytes, from: index, unit: 1)
        }
    }

    private static func container(
        _ head: CBORHead, _ bytes: borrowing Span<UInt8>, _ index: inout Int, depth: Int
    ) throws(CBORError) {
        guard depth < JSONParser.depthLimit else { throw CBORError(.tooDeep, at: head.offset) }
        let unit = head.major == .map ? 2 : 1
        if head.isIndefinite {
            while try !CBORHead.skipBreak(bytes, &index) {
                for _ in 0..<unit { try item(bytes, &index, depth: depth &+ 1) }
            }
        } else {
            let count = try head.length(in: bytes, from: index, unit: unit)
            for _ in 0..<count {
                for _ in 0..<unit { try item(bytes, &index, depth: depth &+ 1) }
            }
        }
    }
}
