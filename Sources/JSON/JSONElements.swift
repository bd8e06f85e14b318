/// Steps through the elements of an array, or the members of an object, by their bytes: nothing is made of what is in them.
///
/// For documents of which every element is read by itself. A broken element costs itself alone, as far as the next one can
/// be told; what an element holds is for its reader to judge.
package struct JSONElements {
    /// Where one element stands.
    package struct Element {
        /// What stands between the quotes of its name; nil in an array.
        package let name: Range<Int>?
        package let value: Range<Int>
    }

    private var index: Int
    private let isObject: Bool
    /// Whether nothing but the container may stand in the document.
    private let isWholeDocument: Bool
    private var isOver = false
    /// Whether the container breaks off, or something stands in it that is no element: what comes after is lost.
    package private(set) var isBroken = false

    /// nil when neither an array nor an object stands at that place.
    package init?(of bytes: borrowing Span<UInt8>, at place: JSONPointer) {
        var index = 0
        Self.skipWhitespace(bytes, &index)
        for token in place.tokens {
            guard var parent = JSONElements(bytes, at: index, isWholeDocument: false),
                let value = parent.value(of: token, bytes)
            else { return nil }
            index = value.lowerBound
        }
        guard let elements = JSONElements(bytes, at: index, isWholeDocument: place.tokens.isEmpty) else { return nil }
        self = elements
    }

    private init?(_ bytes: borrowing Span<UInt8>, at index: Int, isWholeDocument: Bool) {
        guard index < bytes.count else { return nil }
        switch bytes[index] {
        case UInt8(ascii: "["): isObject = false
        case UInt8(ascii: "{"): isObject = true
        default: return nil
        }
        self.index = index &+ 1
        self.isWholeDocument = isWholeDocument
    }

    /// The next element; nil after the last one, and where the container is broken.
    package mutating func next(_ bytes: borrowing Span<UInt8>) -> Element? {
        guard !isOver else { return nil }
        // A comma too many loses nothing.
        repeat { Self.skipWhitespace(bytes, &index) } while Self.skip(UInt8(ascii: ","), bytes, &index)
        guard index < bytes.count else { return broken() }
        if bytes[index] == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
            isOver = true
            index &+= 1
            Self.skipWhitespace(bytes, &index)
            isBroken = isWholeDocument && index < bytes.count
            return nil
        }
        var name: Range<Int>?
        if isObject {
            let start = index &+ 1
            guard bytes[index] == UInt8(ascii: "\""), Self.skipText(bytes, &index) else { return broken() }
            name = start..<index &- 1
            Self.skipWhitespace(bytes, &index)
            guard Self.skip(UInt8(ascii: ":"), bytes, &index) else { return broken() }
            Self.skipWhitespace(bytes, &index)
        }
        let start = index
        Self.skipValue(bytes, &index)
        guard index > start else { return broken() }
        return Element(name: name, value: start..<index)
    }

    private mutating func broken() -> Element? {
        isOver = true
        isBroken = true
        return nil
    }

    /// Where the element of that name or index stands.
    private mutating func value(of token: String, _ bytes: borrowing Span<UInt8>) -> Range<Int>? {
        let wanted = isObject ? nil : JSONPointer.arrayIndex(token)
        var count = 0
        while let element = next(bytes) {
            if let name = element.name {
                if Self.isName(token, name, bytes) { return element.value }
            } else if count == wanted {
                return element.value
            }
            count += 1
        }
        return nil
    }

    private static func isName(_ token: String, _ name: Range<Int>, _ bytes: borrowing Span<UInt8>) -> Bool {
        var hasEscape = false
        for index in name where bytes[index] == UInt8(ascii: "\\") { hasEscape = true }
        if hasEscape {
            var index = name.lowerBound - 1
            return (try? JSONParser.parseValue(bytes, &index, depth: 0)) == .string(token)
        }
        guard token.utf8.count == name.count else { return false }
        for (byte, index) in zip(token.utf8, name) where byte != bytes[index] { return false }
        return true
    }

    private static func skip(_ byte: UInt8, _ bytes: borrowing Span<UInt8>, _ index: inout Int) -> Bool {
        guard index < bytes.count, bytes[index] == byte else { return false }
        index &+= 1
        return true
    }

    private static func isWhitespace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
    }

    private static func skipWhitespace(_ bytes: borrowing Span<UInt8>, _ index: inout Int) {
        while index < bytes.count, isWhitespace(bytes[index]) { index &+= 1 }
    }

    /// Moves past a string; false, at the end of the document, when it is not closed.
    private static func skipText(_ bytes: borrowing Span<UInt8>, _ index: inout Int) -> Bool {
        index &+= 1
        while index < bytes.count {
            let byte = bytes[index]
            index &+= byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "\"") { return true }
        }
        index = bytes.count
        return false
    }

    /// Moves to the end of a value: a container's with its brackets, anything else's at the next delimiter.
    private static func skipValue(_ bytes: borrowing Span<UInt8>, _ index: inout Int) {
        let start = index
        var depth = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                _ = skipText(bytes, &index)
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth &+= 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return trim(bytes, from: start, &index) }
                depth &-= 1
            case UInt8(ascii: ",") where depth == 0: return trim(bytes, from: start, &index)
            default: break
            }
            index &+= 1
        }
        trim(bytes, from: start, &index)
    }

    private static func trim(_ bytes: borrowing Span<UInt8>, from start: Int, _ index: inout Int) {
        while index > start, isWhitespace(bytes[index &- 1]) { index &-= 1 }
    }
}
