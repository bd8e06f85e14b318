package import JSON

/// Steps through the elements of an array, or the pairs of a map, by their bytes: nothing is made of what is in them.
package struct CBORElements {
    /// Where one element stands.
    package struct Element {
        /// The name that its key stands for; nil in an array, and for a key that is no name.
        package let name: String?
        package let value: Range<Int>
    }

    private var index: Int
    private let head: CBORHead
    private var count: UInt64 = 0
    private var isOver = false
    /// Whether nothing but the container may stand in the payload.
    private let isWholeDocument: Bool
    /// Where the bytes stop being CBOR: what comes after is lost.
    package private(set) var failure: CBORError?

    /// nil when neither an array nor a map stands at that place.
    package init?(of bytes: borrowing Span<UInt8>, at place: JSONPointer) throws(CBORError) {
        var index = 0
        for token in place.tokens {
            guard var parent = try CBORElements(bytes, at: index, isWholeDocument: false),
                let start = try parent.start(of: token, bytes)
            else { return nil }
            index = start
        }
        guard let elements = try CBORElements(bytes, at: index, isWholeDocument: place.tokens.isEmpty) else {
            return nil
        }
        self = elements
    }

    private init?(_ bytes: borrowing Span<UInt8>, at index: Int, isWholeDocument: Bool) throws(CBORError) {
        var index = index
        head = try CBORTag.skipTransparent(bytes, &index)
        guard head.major == .array || head.major == .map else { return nil }
        self.index = index
        self.isWholeDocument = isWholeDocument
    }

    /// The next element; nil after the last one, and where the bytes stop being CBOR.
    package mutating func next(_ bytes: borrowing Span<UInt8>) -> Element? {
        guard !isOver else { return nil }
        do throws(CBORError) {
            guard try hasNext(bytes) else {
                if isWholeDocument, index < bytes.count { failure = CBORError(.trailingBytes, at: index) }
                return nil
            }
            let name = try name(bytes)
            let start = index
            try CBORSkip.item(bytes, &index, depth: 0)
            return Element(name: name, value: start..<index)
        } catch {
            isOver = true
            failure = error
            return nil
        }
    }

    private mutating func hasNext(_ bytes: borrowing Span<UInt8>) throws(CBORError) -> Bool {
        isOver = head.isIndefinite ? try CBORHead.skipBreak(bytes, &index) : count == head.argument
        if !isOver { count &+= 1 }
        return !isOver
    }

    /// Moves past the key of a map's pair.
    private mutating func name(_ bytes: borrowing Span<UInt8>) throws(CBORError) -> String? {
        guard head.major == .map else { return nil }
        let start = index
        if let name = try? CBORKey.name(bytes, &index) { return name }
        index = start
        try CBORSkip.item(bytes, &index, depth: 0)
        return nil
    }

    /// Where the element of that name or index begins; what comes after that may be cut.
    private mutating func start(of token: String, _ bytes: borrowing Span<UInt8>) throws(CBORError) -> Int? {
        while try hasNext(bytes) {
            let name = try name(bytes)
            if head.major == .map ? name == token : token == String(count &- 1) { return index }
            try CBORSkip.item(bytes, &index, depth: 0)
        }
        return nil
    }
}
