import JSON
import LineProtocol

/// The names of fields that one series of points has shown, or that its route names: found by their bytes.
///
/// Points of a series have their fields in the same order, so that a name is looked for behind the one before it first.
struct FieldNames: Sendable {
    /// What the last point has, for the names of one decoder.
    struct Found: Sendable {
        /// By name; nil where the point has no such field.
        fileprivate(set) var values: ContiguousArray<LineProtocolField.Value?> = []

        subscript(name: Int) -> LineProtocolField.Value? { values[name] }
    }

    private var bytes: ContiguousArray<UInt8> = []
    /// Where each name ends in `bytes`; it begins where the one before it ends.
    private var ends: ContiguousArray<Int> = []
    /// Numbers plus one by the hash of their names, at most half full; zero is an empty slot.
    private var slots = ContiguousArray<UInt16>(repeating: 0, count: 16)
    /// Of each rule, the number of the name.
    private(set) var ofRule: ContiguousArray<Int> = []
    /// Of the word for the quality; -1 without one.
    private(set) var ofQuality = -1

    /// Of each rule, that of the word for its own quality, 0 without one; empty when no rule has one.
    private(set) var ofOwnQuality: ContiguousArray<Int> = []

    init() {}

    init(_ rules: [ValueRule], _ learnt: LearntValues, quality: QualityRule?) {
        ofRule = ContiguousArray(rules.map { number(ofNew: $0.place) })
        if let quality { ofQuality = number(ofNew: quality.place) }
        if rules.contains(where: { $0.quality != nil }) {
            ofOwnQuality = ContiguousArray(rules.map { $0.quality.map { number(ofNew: $0.place) } ?? 0 })
        }
        for seen in learnt.seen { _ = number(ofNew: seen.place) }
    }

    private mutating func number(ofNew place: JSONPointer) -> Int {
        let name = Array((place.tokens.first ?? "").utf8)
        let known = number(of: name.span, 0..<name.count)
        if known >= 0 { return known }
        bytes.append(contentsOf: name)
        ends.append(bytes.count)
        if ends.count * 2 > slots.count {
            slots = ContiguousArray(repeating: 0, count: slots.count * 4)
            for number in ends.indices { insert(number) }
        } else {
            insert(ends.count - 1)
        }
        return ends.count - 1
    }

    private mutating func insert(_ number: Int) {
        let range = range(of: number)
        var position = Self.hash(bytes.span, range) & (slots.count &- 1)
        while slots[position] != 0 { position = (position &+ 1) & (slots.count &- 1) }
        slots[position] = UInt16(truncatingIfNeeded: number &+ 1)
    }

    /// FNV-1a. A route or topic has few hundred names, so that a publisher who makes them collide wins little.
    @inline(__always)
    private static func hash(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in range { hash = (hash ^ UInt64(bytes[index])) &* 0x100_0000_01B3 }
        return Int(truncatingIfNeeded: hash ^ hash >> 32)
    }

    @inline(__always)
    private func range(of number: Int) -> Range<Int> { (number == 0 ? 0 : ends[number &- 1])..<ends[number] }

    /// Sorts the fields of a point by name. False when one has a name that is not known.
    func find(
        _ fields: some Collection<LineProtocolField>, in payload: borrowing Span<UInt8>, into found: inout Found
    ) -> Bool {
        found.values.removeAll(keepingCapacity: true)
        for _ in ends.indices { found.values.append(nil) }
        var isComplete = true
        var next = 0
        for field in fields {
            let number = number(of: field.key, in: payload, near: next)
            if number < 0 {
                isComplete = false
            } else {
                found.values[number] = field.value
                next = number &+ 1
            }
        }
        return isComplete
    }

    @inline(__always)
    private func number(of name: LineProtocolText, in payload: borrowing Span<UInt8>, near hint: Int) -> Int {
        if name.hasEscapes {
            let text = Array(name.string(in: payload).utf8)
            return number(of: text.span, 0..<text.count, near: hint)
        }
        return number(of: payload, name.range, near: hint)
    }

    @inline(__always)
    private func number(of payload: borrowing Span<UInt8>, _ name: Range<Int>, near hint: Int) -> Int {
        if hint < ends.count, isName(hint, payload, name) { return hint }
        return number(of: payload, name)
    }

    private func number(of payload: borrowing Span<UInt8>, _ name: Range<Int>) -> Int {
        var position = Self.hash(payload, name) & (slots.count &- 1)
        while slots[position] != 0 {
            let number = Int(slots[position]) &- 1
            if isName(number, payload, name) { return number }
            position = (position &+ 1) & (slots.count &- 1)
        }
        return -1
    }

    @inline(__always)
    private func isName(_ number: Int, _ payload: borrowing Span<UInt8>, _ name: Range<Int>) -> Bool {
        let known = range(of: number)
        guard known.count == name.count else { return false }
        for offset in 0..<name.count where bytes[known.lowerBound &+ offset] != payload[name.lowerBound &+ offset] {
            return false
        }
        return true
    }
}
