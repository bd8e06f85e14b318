extension ZoneRules {
    /// Why bytes are no TZif file that can be used: what the file does.
    public enum Mistake: String, Error, Hashable, Sendable, CustomStringConvertible {
        case notTZif = "is not a time zone file (TZif)"
        case unknownVersion = "has a version of TZif that is not known here"
        case tooShort = "ends too early"
        case invalidCounts = "has counts that do not fit one another"
        /// Those of `right/` in the database: no clock that this program meets counts so.
        case leapSeconds = "counts leap seconds; take the zone of the same name without right/"
        case invalidType = "has a type of local time that cannot be"
        case offsetOutOfRange = "has an offset from UTC of more than a day"
        case timeOutOfRange = "has a transition at a time that cannot be"
        case timesOutOfOrder = "has transitions out of order"
        case invalidFooter = "ends with rules that cannot be read"

        public var description: String { rawValue }
    }

    /// Reads a TZif file of any version (RFC 8536, RFC 9636). Of version 2 and later it is the second block that counts, which
    /// has 64-bit times and a footer with the rules after the last transition.
    ///
    /// A footer that contradicts the last transition, as none may, holds from its own first change on. What follows the footer
    /// is not looked at.
    ///
    /// - Parameter bytes: the content of the file. Time and memory are linear in it, and no content makes it trap.
    public init(tzif bytes: borrowing Span<UInt8>) throws(Mistake) {
        var index = 0
        let first = try TZifHeader(bytes, &index)
        guard first.version > 1 else {
            self = try TZifBlock(first, bytes, &index, timeSize: 4).rules(recurrence: nil)
            return
        }
        index += first.blockSize(timeSize: 4)
        guard index <= bytes.count else { throw .tooShort }
        let second = try TZifHeader(bytes, &index)
        let block = try TZifBlock(second, bytes, &index, timeSize: 8)
        self = block.rules(recurrence: try Self.footer(bytes, index))
    }

    /// The rules between two line feeds; nil when there are none.
    private static func footer(_ bytes: borrowing Span<UInt8>, _ start: Int) throws(Mistake) -> ZoneRecurrence? {
        guard start < bytes.count else { throw .tooShort }
        guard bytes[start] == UInt8(ascii: "\n") else { throw .invalidFooter }
        var end = start + 1
        while end < bytes.count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
        guard end < bytes.count else { throw .tooShort }
        guard end > start + 1 else { return nil }
        guard let recurrence = ZoneRecurrence(posix: bytes.extracting((start + 1)..<end)) else { throw .invalidFooter }
        return recurrence
    }
}

/// The 44 bytes with which each block begins.
private struct TZifHeader {
    let version: Int
    let utCount: Int
    let standardCount: Int
    let leapCount: Int
    let timeCount: Int
    let typeCount: Int
    let characterCount: Int

    init(_ bytes: borrowing Span<UInt8>, _ index: inout Int) throws(ZoneRules.Mistake) {
        let start = index
        let magic: [UInt8] = [0x54, 0x5A, 0x69, 0x66]
        for offset in 0..<4 {
            guard start + offset < bytes.count, bytes[start + offset] == magic[offset] else { throw .notTZif }
        }
        guard bytes.count - start >= 44 else { throw .tooShort }
        switch bytes[start + 4] {
        case 0: version = 1
        case UInt8(ascii: "2")...UInt8(ascii: "9"): version = Int(bytes[start + 4] - UInt8(ascii: "0"))
        default: throw .unknownVersion
        }
        func count(_ position: Int, _ bytes: borrowing Span<UInt8>) -> Int {
            Int(TZifBlock.integer(bytes, start + 20 + position * 4, size: 4) & 0xFFFF_FFFF)
        }
        utCount = count(0, bytes)
        standardCount = count(1, bytes)
        leapCount = count(2, bytes)
        timeCount = count(3, bytes)
        typeCount = count(4, bytes)
        characterCount = count(5, bytes)
        index += 44
    }

    /// Six counts of 32 bits, times twelve at most: far from an overflow.
    func blockSize(timeSize: Int) -> Int {
        timeCount * (timeSize + 1) + typeCount * 6 + characterCount + leapCount * (timeSize + 4) + standardCount
            + utCount
    }
}

/// What stands behind a header.
private struct TZifBlock {
    /// RFC 9636, 3.2: from -24:59:59 to 25:59:59.
    private static let offsets: ClosedRange<Int64> = -89_999...93_599

    let firstOffset: Int64
    let transitions: [ZoneRules.Transition]

    /// Moves past the block.
    init(
        _ header: TZifHeader, _ bytes: borrowing Span<UInt8>, _ index: inout Int, timeSize: Int
    ) throws(ZoneRules.Mistake) {
        guard bytes.count - index >= header.blockSize(timeSize: timeSize) else { throw .tooShort }
        guard header.typeCount > 0, header.typeCount <= 256, header.characterCount > 0,
            header.utCount == 0 || header.utCount == header.typeCount,
            header.standardCount == 0 || header.standardCount == header.typeCount
        else { throw .invalidCounts }
        guard header.leapCount == 0 else { throw .leapSeconds }
        let typesOfTimes = index + header.timeCount * timeSize
        let types = typesOfTimes + header.timeCount
        var offsets: [Int64] = []
        for type in 0..<header.typeCount {
            let place = types + type * 6
            let offset = Self.integer(bytes, place, size: 4)
            guard Self.offsets.contains(offset) else { throw .offsetOutOfRange }
            // Whether it is daylight saving time, and where its abbreviation begins.
            guard bytes[place + 4] <= 1, Int(bytes[place + 5]) < header.characterCount else { throw .invalidType }
            offsets.append(offset)
        }
        firstOffset = offsets[0]
        var transitions: [ZoneRules.Transition] = []
        transitions.reserveCapacity(header.timeCount)
        for position in 0..<header.timeCount {
            let time = Self.integer(bytes, index + position * timeSize, size: timeSize)
            let type = Int(bytes[typesOfTimes + position])
            guard time.magnitude <= ZoneRules.timeLimit.magnitude else { throw .timeOutOfRange }
            if let last = transitions.last, last.time >= time { throw .timesOutOfOrder }
            guard type < offsets.count else { throw .invalidType }
            transitions.append(ZoneRules.Transition(time: time, offset: offsets[type]))
        }
        self.transitions = transitions
        index += header.blockSize(timeSize: timeSize)
    }

    func rules(recurrence: ZoneRecurrence?) -> ZoneRules {
        // Without transitions the footer holds from the beginning.
        let firstOffset = transitions.isEmpty ? recurrence?.standardOffset ?? firstOffset : firstOffset
        return ZoneRules(firstOffset: firstOffset, transitions: transitions, recurrence: recurrence)
    }

    /// A signed integer of four or eight bytes, the highest first.
    static func integer(_ bytes: borrowing Span<UInt8>, _ start: Int, size: Int) -> Int64 {
        var value: UInt64 = 0
        for offset in 0..<size { value = value << 8 | UInt64(bytes[start + offset]) }
        return size == 4 ? Int64(Int32(truncatingIfNeeded: value)) : Int64(bitPattern: value)
    }
}
