/// The `name=value` list that both sides of DIGEST-MD5 exchange (RFC 2831, section 7.1).
///
/// The bytes come from strangers: length and count are bounded, and whatever is not such a list throws.
struct DigestDirectives {
    private static let maximumCount = 32

    private var values: [String: [[UInt8]]] = [:]

    /// Reads a list of at most `maximumLength` bytes. A name may occur several times; see ``one(_:)`` and ``all(_:)``.
    init(_ bytes: [UInt8], maximumLength: Int) throws(SASLError) {
        guard bytes.count <= maximumLength else { throw SASLError("the token is longer than \(maximumLength) bytes") }
        var rest = bytes[...]
        var count = 0
        while true {
            rest = rest.drop { $0 == UInt8(ascii: ",") || Self.isSpace($0) }
            guard !rest.isEmpty else { return }
            count += 1
            guard count <= Self.maximumCount else { throw SASLError("too many directives") }
            let name = try Self.takeName(&rest)
            let value = try Self.takeValue(&rest)
            values[name, default: []].append(value)
        }
    }

    /// The only value of a name; `nil` when it does not occur.
    func one(_ name: String) throws(SASLError) -> [UInt8]? {
        guard let all = values[name] else { return nil }
        guard all.count == 1 else { throw SASLError("\(name) is given \(all.count) times") }
        return all[0]
    }

    /// The only value of a name that must occur.
    func required(_ name: String) throws(SASLError) -> [UInt8] {
        guard let value = try one(name) else { throw SASLError("\(name) is missing") }
        return value
    }

    /// All values of a name, in order.
    func all(_ name: String) -> [[UInt8]] { values[name] ?? [] }

    private static func takeName(_ rest: inout ArraySlice<UInt8>) throws(SASLError) -> String {
        let name = rest.prefix { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "-")
        }
        rest = rest.dropFirst(name.count).drop(while: isSpace)
        guard !name.isEmpty, rest.popFirst() == UInt8(ascii: "=") else { throw SASLError("not a list of directives") }
        rest = rest.drop(while: isSpace)
        return String(decoding: name, as: UTF8.self).lowercased()
    }

    private static func takeValue(_ rest: inout ArraySlice<UInt8>) throws(SASLError) -> [UInt8] {
        var value: [UInt8] = []
        if rest.first == UInt8(ascii: "\"") {
            rest = rest.dropFirst()
            while true {
                guard var byte = rest.popFirst() else { throw SASLError("a quotation does not end") }
                if byte == UInt8(ascii: "\"") { break }
                if byte == UInt8(ascii: "\\") {
                    guard let escaped = rest.popFirst() else { throw SASLError("a quotation does not end") }
                    byte = escaped
                }
                value.append(byte)
            }
        } else {
            value = Array(rest.prefix { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "\"") })
            rest = rest.dropFirst(value.count)
        }
        rest = rest.drop(while: isSpace)
        guard rest.isEmpty || rest.first == UInt8(ascii: ",") else { throw SASLError("not a list of directives") }
        return value
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (9...13).contains(byte) }

    // MARK: Writing

    /// A value in quotation marks.
    static func quoted(_ value: [UInt8]) -> [UInt8] {
        var quoted: [UInt8] = [UInt8(ascii: "\"")]
        for byte in value {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { quoted.append(UInt8(ascii: "\\")) }
            quoted.append(byte)
        }
        return quoted + [UInt8(ascii: "\"")]
    }

    /// A list of names with their values as they are to stand there.
    static func list(_ directives: [(name: String, value: [UInt8])]) -> [UInt8] {
        Array(
            directives.map { Array($0.name.utf8) + [UInt8(ascii: "=")] + $0.value }.joined(separator: [
                UInt8(ascii: ",")
            ]))
    }
}

/// Why an exchange of SASL tokens cannot succeed. It never contains a password.
package struct SASLError: Error, Hashable, CustomStringConvertible {
    /// What is wrong with the other side's token.
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
