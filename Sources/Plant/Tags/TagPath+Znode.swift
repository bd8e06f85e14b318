import JSON

/// How a path is spelt in the tree (docs/tree-and-topics.md).
///
/// Each level becomes one znode name. Percent-encoded, as UTF-8 bytes in upper-case hexadecimal, are: `%` itself, a
/// first `@` (such names are Linekeeper's own), the whole of `.` and `..`, and the characters that ZooKeeper refuses in
/// a path — U+0001 to U+001F, U+007F to U+009F, U+E000 to U+F8FF, U+FFF0 to U+FFFF, and all beyond U+FFFF, which its
/// UTF-16 check sees as surrogates. An empty level is written as a lone `%`, which is no escape and so stands for
/// nothing else. Every path has one spelling and every spelling one path; no spelling contains `/`, so nothing can be
/// written outside the folder that it is put below.
extension TagPath {
    /// The path below `/tags` or `/devices`, without a leading slash.
    public var znodePath: String {
        if Self.isSpeltAsItIs(text) { return text }
        var path = ""
        path.reserveCapacity(text.utf8.count)
        for (position, level) in levels.enumerated() {
            if position > 0 { path.unicodeScalars.append("/") }
            Self.encode(level, into: &path)
        }
        return path
    }

    /// Reads back what `znodePath` wrote. Throws for a spelling that no level has, for instance one of Linekeeper's own
    /// nodes.
    public init(znodePath: String) throws(Refusal) {
        if Self.isSpeltAsItIs(znodePath) {
            try self.init(znodePath)
            return
        }
        var text: [UInt8] = []
        var isFirst = true
        for name in znodePath.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            if !isFirst { text.append(UInt8(ascii: "/")) }
            isFirst = false
            let level = try Self.level(znodeName: String(Substring(name)))
            guard !level.utf8.contains(UInt8(ascii: "/")) else { throw .foreignNode(String(Substring(name))) }
            text.append(contentsOf: level.utf8)
        }
        try self.init(topic: text.span)
    }

    /// The znode name of one topic level, or of any other name that becomes one node; a `/` in it is escaped.
    public static func znodeName(level: some StringProtocol) -> String {
        var name = ""
        encode(Substring(level), into: &name)
        return name
    }

    /// The topic level that a znode name stands for.
    public static func level(znodeName: String) throws(Refusal) -> String {
        guard let level = decode(znodeName), Self.znodeName(level: level).utf8.elementsEqual(znodeName.utf8) else {
            throw .foreignNode(znodeName)
        }
        return level
    }

    /// Whether nothing in a path is escaped, at the first look: almost every path is of plain characters, and listings read all
    /// of them.
    private static func isSpeltAsItIs(_ path: String) -> Bool {
        var isStart = true
        for byte in path.utf8 {
            switch byte {
            case UInt8(ascii: "/"):
                if isStart { return false }
                isStart = true
            case UInt8(ascii: "@"), UInt8(ascii: "."):
                if isStart { return false }
            case UInt8(ascii: "%"): return false
            case 0x20...0x7E: isStart = false
            default: return false
            }
        }
        return !isStart
    }

    private static func encode(_ level: Substring, into path: inout String) {
        if level.isEmpty {
            path.unicodeScalars.append("%")
            return
        }
        let isDots = level.utf8.elementsEqual(".".utf8) || level.utf8.elementsEqual("..".utf8)
        var isFirst = true
        for scalar in level.unicodeScalars {
            if isDots || isEscaped(scalar) || (isFirst && scalar == "@") {
                for byte in scalar.utf8 { escape(byte, into: &path) }
            } else {
                path.unicodeScalars.append(scalar)
            }
            isFirst = false
        }
    }

    private static func isEscaped(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x25, 0x2F, 0...0x1F, 0x7F...0x9F, 0xD800...0xF8FF, 0xFFF0...0x10FFFF: true
        default: false
        }
    }

    private static func escape(_ byte: UInt8, into path: inout String) {
        path.unicodeScalars.append("%")
        for digit in [byte >> 4, byte & 0x0F] {
            path.unicodeScalars.append(Unicode.Scalar(digit < 10 ? 0x30 &+ digit : 0x37 &+ digit))
        }
    }

    /// Undoes the escapes; nil when they are malformed. Whether the spelling is ours is for the caller to check.
    private static func decode(_ name: String) -> String? {
        if name.utf8.elementsEqual("%".utf8) { return "" }
        var bytes: [UInt8] = []
        var iterator = name.utf8.makeIterator()
        while let byte = iterator.next() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = iterator.next().flatMap(JSONParser.hexDigit),
                let low = iterator.next().flatMap(JSONParser.hexDigit)
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
