/// Finds a few values in a JSON document without building a tree: the path that every message takes.
///
/// The scanner reads the whole document and accepts a subset of what `JSONValue(parsing:)` accepts, with the same
/// values. Where it meets something rarer (an escape, a member name beyond ASCII, very many members, a mistake, a name
/// that the plan does not know where it has to know all) it gives up, and the caller asks the full reader, whose word is
/// final. A differential test holds the two together.
public struct JSONScanner: Sendable {
    /// One result of a scan. Text is where it lies in the document, without the quotes.
    public struct Found: Sendable {
        public enum Kind: UInt8, Sendable {
            case missing, null, integer, number, bool, text, container
        }

        public var kind: Kind = .missing
        @usableFromInline var bits: UInt64 = 0

        /// The integer, when `kind` says so.
        @inlinable @inline(__always)
        public var integer: Int64 { Int64(bitPattern: bits) }
        /// The double, when `kind` says so.
        @inlinable @inline(__always)
        public var number: Double { Double(bitPattern: bits) }
        /// The boolean, when `kind` says so.
        @inlinable @inline(__always)
        public var bool: Bool { bits != 0 }
        /// The bytes of the text, when `kind` says so.
        @inlinable @inline(__always)
        public var text: Range<Int> {
            let start = Int(bits >> 32)
            return start..<(start &+ Int(bits & 0xFFFF_FFFF))
        }
    }

    /// What the last scan found, one element a slot of its plan.
    public private(set) var found: ContiguousArray<Found> = []
    /// Names of the objects that are open, as offset and length: a name that occurs twice makes the document invalid.
    private var names: ContiguousArray<UInt64> = []

    /// Objects with more members go to the full reader, which looks names up by hash.
    private static let memberLimit = 96

    public init() {}

    /// Reads a document. False: not understood here, ask the full reader; `found` then means nothing.
    public mutating func scan(_ bytes: borrowing Span<UInt8>, plan: borrowing JSONScanPlan) -> Bool {
        guard plan.isScannable, bytes.count < Int(UInt32.max) else { return false }
        found.removeAll(keepingCapacity: true)
        for _ in 0..<plan.slotCount { found.append(Found()) }
        names.removeAll(keepingCapacity: true)
        var index = 0
        Self.skipWhitespace(bytes, &index)
        guard scanValue(bytes, &index, plan, node: 0, depth: 0) else { return false }
        Self.skipWhitespace(bytes, &index)
        return index == bytes.count
    }

    @inline(__always)
    private static func skipWhitespace(_ bytes: borrowing Span<UInt8>, _ index: inout Int) {
        while index < bytes.count {
            let byte = bytes[index]
            if byte > 0x20 { return }
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            index &+= 1
        }
    }

    @inline(__always)
    private mutating func store(_ kind: Found.Kind, _ bits: UInt64, _ plan: borrowing JSONScanPlan, node: Int) {
        guard node >= 0 else { return }
        let slot = Int(plan.nodes[node].slot)
        if slot >= 0 { found[slot] = Found(kind: kind, bits: bits) }
    }

    private mutating func scanValue(
        _ bytes: borrowing Span<UInt8>, _ index: inout Int, _ plan: borrowing JSONScanPlan, node: Int, depth: Int
    ) -> Bool {
        guard index < bytes.count else { return false }
        switch bytes[index] {
        case UInt8(ascii: "\""):
            let start = index &+ 1
            guard Self.skipText(bytes, &index) else { return false }
            store(
                .text, UInt64(truncatingIfNeeded: start) << 32 | UInt64(truncatingIfNeeded: index &- 1 &- start), plan,
                node: node)
            return true
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            var number = JSONNumber()
            guard number.scan(bytes, &index) else { return false }
            store(number.isInteger ? .integer : .number, number.bits, plan, node: node)
            return true
        case UInt8(ascii: "{"):
            store(.container, 0, plan, node: node)
            return scanObject(bytes, &index, plan, node: node, depth: depth)
        case UInt8(ascii: "["):
            store(.container, 0, plan, node: node)
            return scanArray(bytes, &index, plan, node: node, depth: depth)
        case UInt8(ascii: "t"):
            store(.bool, 1, plan, node: node)
            return Self.skip("true", bytes, &index)
        case UInt8(ascii: "f"):
            store(.bool, 0, plan, node: node)
            return Self.skip("false", bytes, &index)
        case UInt8(ascii: "n"):
            store(.null, 0, plan, node: node)
            return Self.skip("null", bytes, &index)
        default:
            return false
        }
    }

    @inline(__always)
    private static func skip(_ word: StaticString, _ bytes: borrowing Span<UInt8>, _ index: inout Int) -> Bool {
        let length = word.utf8CodeUnitCount
        guard bytes.count &- index >= length else { return false }
        for offset in 0..<length where bytes[index &+ offset] != word.utf8Start[offset] { return false }
        index &+= length
        return true
    }

    private mutating func scanObject(
        _ bytes: borrowing Span<UInt8>, _ index: inout Int, _ plan: borrowing JSONScanPlan, node: Int, depth: Int
    ) -> Bool {
        guard depth < JSONParser.depthLimit else { return false }
        index &+= 1
        Self.skipWhitespace(bytes, &index)
        guard index < bytes.count else { return false }
        if bytes[index] == UInt8(ascii: "}") {
            index &+= 1
            return true
        }
        let firstName = names.count
        var seen: UInt64 = 0
        while true {
            Self.skipWhitespace(bytes, &index)
            guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else { return false }
            index &+= 1
            let start = index
            guard Self.skipName(bytes, &index) else { return false }
            let length = index &- start
            index &+= 1
            guard isNew(bytes, start, length, since: firstName, seen: &seen) else { return false }
            Self.skipWhitespace(bytes, &index)
            guard index < bytes.count, bytes[index] == UInt8(ascii: ":") else { return false }
            index &+= 1
            Self.skipWhitespace(bytes, &index)
            let child = node < 0 ? -1 : Self.member(bytes, start, length, plan, node: node)
            guard node < 0 || Self.isKnown(child, plan, node: node) else { return false }
            guard scanValue(bytes, &index, plan, node: child, depth: depth &+ 1) else { return false }
            Self.skipWhitespace(bytes, &index)
            guard index < bytes.count else { return false }
            switch bytes[index] {
            case UInt8(ascii: ","):
                index &+= 1
            case UInt8(ascii: "}"):
                index &+= 1
                names.removeLast(names.count &- firstName)
                return true
            default:
                return false
            }
        }
    }

    private mutating func scanArray(
        _ bytes: borrowing Span<UInt8>, _ index: inout Int, _ plan: borrowing JSONScanPlan, node: Int, depth: Int
    ) -> Bool {
        guard depth < JSONParser.depthLimit else { return false }
        index &+= 1
        Self.skipWhitespace(bytes, &index)
        guard index < bytes.count else { return false }
        if bytes[index] == UInt8(ascii: "]") {
            index &+= 1
            return true
        }
        var element: Int32 = 0
        while true {
            Self.skipWhitespace(bytes, &index)
            let child = node < 0 ? -1 : Self.element(element, plan, node: node)
            guard node < 0 || Self.isKnown(child, plan, node: node) else { return false }
            guard scanValue(bytes, &index, plan, node: child, depth: depth &+ 1) else { return false }
            element &+= 1
            Self.skipWhitespace(bytes, &index)
            guard index < bytes.count else { return false }
            switch bytes[index] {
            case UInt8(ascii: ","):
                index &+= 1
            case UInt8(ascii: "]"):
                index &+= 1
                return true
            default:
                return false
            }
        }
    }

    /// Moves to the closing quote of a member name; false for anything but plain ASCII.
    @inline(__always)
    private static func skipName(_ bytes: borrowing Span<UInt8>, _ index: inout Int) -> Bool {
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") { return true }
            guard byte >= 0x20, byte < 0x80, byte != UInt8(ascii: "\\") else { return false }
            index &+= 1
        }
        return false
    }

    /// Moves past a string; false for escapes, control characters and invalid UTF-8.
    @inline(__always)
    private static func skipText(_ bytes: borrowing Span<UInt8>, _ index: inout Int) -> Bool {
        index &+= 1
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") {
                index &+= 1
                return true
            }
            if byte < 0x80 {
                guard byte >= 0x20, byte != UInt8(ascii: "\\") else { return false }
                index &+= 1
            } else {
                let length = UTF8Sequence.length(bytes, at: index)
                guard length > 0 else { return false }
                index &+= length
            }
        }
        return false
    }

    /// Whether a member name is the first of its kind in the object whose names begin at `firstName`. `seen` remembers
    /// a few bits of each name, so that the list is searched only when a name might be there.
    @inline(__always)
    private mutating func isNew(
        _ bytes: borrowing Span<UInt8>, _ start: Int, _ length: Int, since firstName: Int, seen: inout UInt64
    ) -> Bool {
        var mark = UInt8(truncatingIfNeeded: length) &* 11
        if length > 0 { mark = mark &+ bytes[start] &* 5 &+ bytes[start &+ length &- 1] &* 3 }
        let bit: UInt64 = 1 << UInt64(mark & 63)
        if seen & bit != 0 {
            for other in names[firstName...] where Int(other & 0xFFFF_FFFF) == length {
                let otherStart = Int(other >> 32)
                var offset = 0
                while offset < length, bytes[otherStart &+ offset] == bytes[start &+ offset] { offset &+= 1 }
                if offset == length { return false }
            }
        }
        seen |= bit
        names.append(UInt64(truncatingIfNeeded: start) << 32 | UInt64(truncatingIfNeeded: length))
        return names.count &- firstName <= Self.memberLimit
    }

    /// Whether the plan says something about a step from `node`, or need not.
    @inline(__always)
    private static func isKnown(_ child: Int, _ plan: borrowing JSONScanPlan, node: Int) -> Bool {
        child < 0 ? !plan.nodes[node].isOpen : !plan.nodes[child].isUnknown
    }

    @inline(__always)
    private static func member(
        _ bytes: borrowing Span<UInt8>, _ start: Int, _ length: Int, _ plan: borrowing JSONScanPlan, node: Int
    ) -> Int {
        let first = Int(plan.nodes[node].firstStep)
        let end = first &+ Int(plan.nodes[node].stepCount)
        var position = first
        while position < end {
            let step = plan.steps[position]
            if Int(step.nameLength) == length {
                let name = Int(step.nameStart)
                var offset = 0
                while offset < length, plan.names[name &+ offset] == bytes[start &+ offset] { offset &+= 1 }
                if offset == length { return Int(step.node) }
            }
            position &+= 1
        }
        return -1
    }

    @inline(__always)
    private static func element(_ index: Int32, _ plan: borrowing JSONScanPlan, node: Int) -> Int {
        guard index < plan.nodes[node].elementCount else { return -1 }
        let first = Int(plan.nodes[node].firstStep)
        let end = first &+ Int(plan.nodes[node].stepCount)
        for position in first..<end where plan.steps[position].element == index {
            return Int(plan.steps[position].node)
        }
        return -1
    }
}
