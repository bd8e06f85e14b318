/// The first bytes of a data item: major type, additional information and argument (RFC 8949, 3).
struct CBORHead {
    /// The major types of RFC 8949, 3.1.
    enum Major: UInt8 {
        case unsigned, negative, bytes, text, array, map, tag, simple
    }

    let major: Major
    /// The low five bits of the first byte.
    let information: UInt8
    /// The value of the bytes after the first one, or `information` itself; 0 for an indefinite length.
    let argument: UInt64
    /// Where the item begins.
    let offset: Int

    /// An indefinite length, or the break (3.2).
    var isIndefinite: Bool { information == 31 }
    var isBreak: Bool { major == .simple && information == 31 }

    /// Moves past the head at `index`.
    @inline(__always)
    static func read(_ bytes: borrowing Span<UInt8>, _ index: inout Int) throws(CBORError) -> CBORHead {
        guard index < bytes.count else { throw CBORError(.unexpectedEnd, at: index) }
        let offset = index
        let first = bytes[index]
        index &+= 1
        guard let major = Major(rawValue: first >> 5) else { throw CBORError(.reserved, at: offset) }
        let information = first & 0x1F
        guard information >= 24 else {
            return CBORHead(major: major, information: information, argument: UInt64(information), offset: offset)
        }
        return try readLong(major, information, bytes, &index)
    }

    private static func readLong(
        _ major: Major, _ information: UInt8, _ bytes: borrowing Span<UInt8>, _ index: inout Int
    ) throws(CBORError) -> CBORHead {
        let offset = index &- 1
        if information == 31 {
            switch major {
            case .bytes, .text, .array, .map, .simple: break
            case .unsigned, .negative, .tag: throw CBORError(.reserved, at: offset)
            }
            return CBORHead(major: major, information: information, argument: 0, offset: offset)
        }
        guard information <= 27 else { throw CBORError(.reserved, at: offset) }
        let length = 1 << Int(information &- 24)
        guard bytes.count &- index >= length else { throw CBORError(.unexpectedEnd, at: bytes.count) }
        var argument: UInt64 = 0
        for _ in 0..<length {
            argument = argument << 8 | UInt64(bytes[index])
            index &+= 1
        }
        if major == .simple, information == 24, argument < 32 { throw CBORError(.reserved, at: offset) }
        return CBORHead(major: major, information: information, argument: argument, offset: offset)
    }

    /// The announced length of a string, or the number of elements of an array or pairs of a map.
    ///
    /// - Parameter unit: the fewest bytes that one of them takes. What cannot follow is refused before anything is made
    ///   room for.
    @inline(__always)
    func length(in bytes: borrowing Span<UInt8>, from index: Int, unit: Int) throws(CBORError) -> Int {
        guard argument <= UInt64((bytes.count &- index) / unit) else { throw CBORError(.lengthBeyondEnd, at: offset) }
        return Int(argument)
    }

    /// Moves past the break, if it stands at `index`.
    @inline(__always)
    static func skipBreak(_ bytes: borrowing Span<UInt8>, _ index: inout Int) throws(CBORError) -> Bool {
        guard index < bytes.count else { throw CBORError(.unexpectedEnd, at: index) }
        guard bytes[index] == 0xFF else { return false }
        index &+= 1
        return true
    }
}
