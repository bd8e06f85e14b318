/// Finds the number of a topic by its bytes: the one look-up that every message costs.
///
/// Open addressing with linear probing, at most half full, over a table of 8-byte slots; the topics lie one after
/// another in one array. A look-up allocates nothing. The hash is seeded, so that publishers cannot choose topics that
/// collide when the shell gives a random seed.
public struct TopicTable: Sendable {
    private struct Entry: Sendable {
        var hash: UInt64
        var offset: Int
        var length: Int
    }

    private var entries: ContiguousArray<Entry> = []
    private var names: ContiguousArray<UInt8> = []
    /// Upper half: the upper half of the hash. Lower half: number plus one; zero is an empty slot.
    private var slots: ContiguousArray<UInt64>
    private let seed: UInt64
    private let limit: Int
    private let byteLimit: Int

    public init(limit: Int = IngestLimits().topics, byteLimit: Int = IngestLimits().topicBytes, seed: UInt64 = 0) {
        self.limit = min(limit, Int(Int32.max) - 1)
        self.byteLimit = byteLimit
        self.seed = seed
        slots = ContiguousArray(repeating: 0, count: 1024)
    }

    public var count: Int { entries.count }

    /// The number of a topic; -1 when it is not known.
    @inline(__always)
    public func find(_ topic: borrowing Span<UInt8>) -> Int {
        let hash = Self.hash(topic, seed: seed)
        let mask = slots.count &- 1
        var position = Int(truncatingIfNeeded: hash) & mask
        while true {
            let slot = slots[position]
            if slot == 0 { return -1 }
            if slot >> 32 == hash >> 32 {
                let number = Int(slot & 0xFFFF_FFFF) &- 1
                if isName(number, topic) { return number }
            }
            position = (position &+ 1) & mask
        }
    }

    /// Whether a topic of that many bytes can be inserted.
    public func hasRoom(forBytes count: Int) -> Bool {
        entries.count < limit && count <= byteLimit && names.count <= byteLimit - count
    }

    /// Remembers a topic that `find` does not know. Gives its number, which is the count before; nil when the table is
    /// full.
    public mutating func insert(_ topic: borrowing Span<UInt8>) -> Int? {
        guard hasRoom(forBytes: topic.count) else { return nil }
        let number = entries.count
        let entry = Entry(hash: Self.hash(topic, seed: seed), offset: names.count, length: topic.count)
        entries.append(entry)
        for index in topic.indices { names.append(topic[index]) }
        if entries.count * 2 > slots.count {
            grow()
        } else {
            place(number)
        }
        return number
    }

    /// The bytes of a topic.
    public func name(_ number: Int) -> ArraySlice<UInt8> {
        let entry = entries[number]
        return ArraySlice(names[entry.offset..<entry.offset + entry.length])
    }

    private mutating func place(_ number: Int) {
        let hash = entries[number].hash
        let mask = slots.count &- 1
        var position = Int(truncatingIfNeeded: hash) & mask
        while slots[position] != 0 { position = (position &+ 1) & mask }
        slots[position] = hash & 0xFFFF_FFFF_0000_0000 | UInt64(truncatingIfNeeded: number &+ 1)
    }

    private mutating func grow() {
        slots = ContiguousArray(repeating: 0, count: slots.count * 2)
        for number in entries.indices { place(number) }
    }

    @inline(__always)
    private func isName(_ number: Int, _ topic: borrowing Span<UInt8>) -> Bool {
        let entry = entries[number]
        guard entry.length == topic.count else { return false }
        let name = names.span.extracting(entry.offset..<entry.offset &+ entry.length).bytes
        let bytes = topic.bytes
        var offset = 0
        while offset &+ 8 <= entry.length {
            let difference =
                name.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
                ^ bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            if difference != 0 { return false }
            offset &+= 8
        }
        while offset < entry.length {
            let difference =
                name.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self)
                ^ bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self)
            if difference != 0 { return false }
            offset &+= 1
        }
        return true
    }

    /// Eight bytes at a time, each folded in by a 64×64→128 bit product (the step of wyhash). `unsafeLoadUnaligned`
    /// checks its bounds; unsafe is only that it could make any type out of bytes, and every bit pattern is an integer.
    @inline(__always)
    private static func hash(_ topic: borrowing Span<UInt8>, seed: UInt64) -> UInt64 {
        let bytes = topic.bytes
        var hash = seed ^ 0xa076_1d64_78bd_642f
        var offset = 0
        let count = bytes.byteCount
        while offset &+ 8 <= count {
            hash = fold(
                hash ^ bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self), 0xe703_7ed1_a0b4_28db)
            offset &+= 8
        }
        var tail: UInt64 = 0
        while offset < count {
            tail = tail << 8 | UInt64(bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self))
            offset &+= 1
        }
        hash = fold(hash ^ tail, 0x8ebc_6af0_9c88_c6e3 ^ UInt64(truncatingIfNeeded: count))
        return fold(hash, 0x5899_65cc_7537_4cc3)
    }

    @inline(__always)
    private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
}
