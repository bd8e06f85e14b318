/// Numbers for names, each within a scope, found by their bytes without making text of them.
///
/// Names are never removed, so a number means the same for ever. The hash is seeded per process: names that are chosen to
/// collide collide nowhere.
struct NameTable: Sendable {
    private struct Entry {
        let scope: UInt32
        let start: UInt32
        let length: UInt32
        let hash: UInt32
    }

    private var entries: ContiguousArray<Entry> = []
    private var names: ContiguousArray<UInt8> = []
    /// Numbers plus one, at the place of their hash or behind it; 0 is free. Its count is a power of two.
    private var slots = ContiguousArray<UInt32>(repeating: 0, count: 16)

    var count: Int { entries.count }
    /// Bytes of all names.
    var byteCount: Int { names.count }

    /// The number of a name; nil when it has none.
    func number(of name: borrowing Span<UInt8>, scope: UInt32) -> UInt32? {
        let hash = Self.hash(name, scope)
        var slot = Int(hash) & (slots.count &- 1)
        while slots[slot] != 0 {
            let number = slots[slot] &- 1
            let entry = entries[Int(number)]
            if entry.hash == hash, entry.scope == scope, has(name, entry) { return number }
            slot = (slot &+ 1) & (slots.count &- 1)
        }
        return nil
    }

    /// Gives the next number to a name that has none.
    mutating func insert(_ name: borrowing Span<UInt8>, scope: UInt32) -> UInt32 {
        if entries.count &* 2 >= slots.count { grow() }
        let number = UInt32(truncatingIfNeeded: entries.count)
        let hash = Self.hash(name, scope)
        entries.append(
            Entry(
                scope: scope, start: UInt32(truncatingIfNeeded: names.count),
                length: UInt32(truncatingIfNeeded: name.count), hash: hash))
        name.withUnsafeBufferPointer { names.append(contentsOf: $0) }
        place(number, hash)
        return number
    }

    /// The name of that number, which must have come from this table.
    subscript(number: UInt32) -> String {
        let entry = entries[Int(number)]
        return String(decoding: names[Int(entry.start)..<Int(entry.start &+ entry.length)], as: UTF8.self)
    }

    private func has(_ name: borrowing Span<UInt8>, _ entry: Entry) -> Bool {
        guard Int(entry.length) == name.count else { return false }
        for offset in 0..<name.count where names[Int(entry.start) &+ offset] != name[offset] { return false }
        return true
    }

    private mutating func place(_ number: UInt32, _ hash: UInt32) {
        var slot = Int(hash) & (slots.count &- 1)
        while slots[slot] != 0 { slot = (slot &+ 1) & (slots.count &- 1) }
        slots[slot] = number &+ 1
    }

    private mutating func grow() {
        slots = ContiguousArray(repeating: 0, count: slots.count &* 2)
        for (number, entry) in entries.enumerated() { place(UInt32(truncatingIfNeeded: number), entry.hash) }
    }

    private static func hash(_ name: borrowing Span<UInt8>, _ scope: UInt32) -> UInt32 {
        var hasher = Hasher()
        hasher.combine(scope)
        name.withUnsafeBufferPointer { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        return UInt32(truncatingIfNeeded: hasher.finalize())
    }
}
