/// Names of ownership nodes: `_c_<uuid>-lock-<10 digits>`.
///
/// The uuid makes a name unique for ever, so that a node whose create was not answered can be found again, and so that
/// the check of an old owner can never hit the node of a new one.
struct ProtectedName: Hashable, Sendable {
    /// `_c_<uuid>-lock-`; the server appends the number.
    let prefix: String

    /// Makes a prefix that nobody has used.
    init(kind: String, using random: inout some RandomNumberGenerator) {
        prefix = "_c_" + Self.uuid(using: &random) + "-" + kind
    }

    init(kind: String) {
        var random = SystemRandomNumberGenerator()
        self.init(kind: kind, using: &random)
    }

    private static func uuid(using random: inout some RandomNumberGenerator) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(36)
        // Few calls: each is one of the system.
        var bits: (UInt64, UInt64) = (random.next(), random.next())
        for index in 0..<32 {
            if index == 8 || index == 12 || index == 16 || index == 20 { text.append(UInt8(ascii: "-")) }
            if index == 16 { bits.0 = bits.1 }
            var nibble = Int(bits.0 & 15)
            bits.0 >>= 4
            // Version 4, variant 1 (RFC 9562).
            if index == 12 { nibble = 4 }
            if index == 16 { nibble = 8 | (nibble & 3) }
            text.append(digits[nibble])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Whether a name says `mark` between its uuid and its number, as in `_c_<uuid>-__WRIT__0000000007`; also without the
    /// uuid, as other libraries write it.
    static func hasMark(_ mark: String, _ name: String) -> Bool {
        let bytes = name.utf8
        guard let digits = bytes.reversed().firstIndex(where: { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return false }
        var head = bytes[..<digits.base]
        // The minus sign of a wrapped number.
        if !head.suffix(mark.utf8.count).elementsEqual(mark.utf8), head.last == UInt8(ascii: "-") {
            head = head.dropLast()
        }
        return head.suffix(mark.utf8.count).elementsEqual(mark.utf8)
    }

    /// The child of ours in a list.
    func find(in children: [String]) -> String? {
        children.first { $0.hasPrefix(prefix) }
    }
}

/// The order of sequential nodes under one parent.
package enum QueueOrder {
    /// The candidates among the children of a lock's node, the owner first. A name without a number is no candidate's.
    package static func candidates(among children: some Sequence<String>) -> [String] {
        let numbered = children.compactMap { child in sequence(of: child).map { (number: $0, name: child) } }
        // By difference: the server's counter wraps around.
        return numbered.sorted { $0.number &- $1.number < 0 }.map(\.name)
    }

    /// The number at the end of a sequential node's name; nil when it has none.
    ///
    /// Ten digits, or after 2147483647 children a minus sign and nine or ten (`%010d` of a negative number).
    static func sequence(of name: String) -> Int32? {
        let bytes = Array(name.utf8)
        let digits = bytes.reversed().prefix(10).prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
        guard digits >= 9 else { return nil }
        var value: Int64 = 0
        for byte in bytes.suffix(digits) { value = value * 10 + Int64(byte - UInt8(ascii: "0")) }
        let before = bytes.dropLast(digits)
        let isMinus = before.last == UInt8(ascii: "-")
        // “-lock-” ends in a hyphen of its own: with ten digits only a second one is a sign.
        let isNegative = digits == 9 ? isMinus : isMinus && before.dropLast().last == UInt8(ascii: "-")
        guard digits == 10 || isNegative else { return nil }
        return Int32(exactly: isNegative ? -value : value)
    }
}
