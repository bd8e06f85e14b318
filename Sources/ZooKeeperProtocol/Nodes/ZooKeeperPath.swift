/// The rules for the paths of nodes.
public enum ZooKeeperPath {
    /// A path that no ZooKeeper accepts, and why.
    public struct Invalid: Error, Hashable, CustomStringConvertible {
        /// The path as given.
        public let path: String
        /// What is wrong with it.
        public let reason: String

        public var description: String { "“\(path)” is not a path: \(reason)" }
    }

    /// Checks a path as a server does.
    ///
    /// - Parameter sequential: Whether the server will append digits, which makes a trailing slash legal.
    /// - Throws: ``Invalid``.
    public static func validate(_ path: String, sequential: Bool = false) throws {
        if let reason = problem(path, sequential: sequential) { throw Invalid(path: path, reason: reason) }
    }

    /// Whether ``validate(_:sequential:)`` accepts the path; without the price of an error.
    public static func isValid(_ path: String, sequential: Bool = false) -> Bool {
        problem(path, sequential: sequential) == nil
    }

    /// The path of the parent; `nil` for the root.
    public static func parent(of path: String) -> String? {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), path.utf8.count > 1 else { return nil }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The last component; empty for the root.
    public static func name(of path: String) -> Substring {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path[...] }
        return path[path.utf8.index(after: slash)...]
    }

    /// Joins a parent and a name.
    public static func child(_ name: some StringProtocol, of parent: String) -> String {
        parent == "/" ? "/\(name)" : "\(parent)/\(name)"
    }

    private static func problem(_ path: String, sequential: Bool) -> String? {
        var path = path
        return path.withUTF8 { bytes -> String? in
            guard let first = bytes.first else { return "it is empty" }
            guard first == UInt8(ascii: "/") else { return "it does not start with /" }
            var segmentStart = 1
            var index = 1
            while index < bytes.count {
                let byte = bytes[index]
                if byte == UInt8(ascii: "/") {
                    if let reason = segmentProblem(bytes, segmentStart..<index, suffixFollows: false) { return reason }
                    segmentStart = index + 1
                } else if byte < 0x20 || byte == 0x7F {
                    return "it contains a control character at byte \(index)"
                } else if byte >= 0x80, let reason = nonASCIIProblem(bytes, at: index) {
                    return reason
                }
                index += 1
            }
            if bytes.count == 1 { return nil }
            return segmentProblem(bytes, segmentStart..<bytes.count, suffixFollows: sequential)
        }
    }

    private static func segmentProblem(
        _ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, suffixFollows: Bool
    ) -> String? {
        if suffixFollows { return nil }
        switch range.count {
        case 0: return range.lowerBound == bytes.count ? "it ends with /" : "it has an empty name"
        case 1 where bytes[range.lowerBound] == UInt8(ascii: "."): return "it contains the name ."
        case 2 where bytes[range.lowerBound] == UInt8(ascii: ".") && bytes[range.lowerBound + 1] == UInt8(ascii: "."):
            return "it contains the name .."
        default: return nil
        }
    }

    /// Checks a byte of a well-formed multi-byte sequence. Banned: U+0080–009F, U+D800–F8FF, U+FFF0–FFFF, and everything
    /// above U+FFFF (ZooKeeper sees surrogates there).
    private static func nonASCIIProblem(_ bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> String? {
        let next = index + 1 < bytes.count ? bytes[index + 1] : 0
        let last = index + 2 < bytes.count ? bytes[index + 2] : 0
        let banned =
            switch bytes[index] {
            case 0xC2: next < 0xA0
            case 0xEE: true
            case 0xEF: next < 0xA4 || (next == 0xBF && last >= 0xB0)
            case 0xF0...0xFF: true
            default: false
            }
        return banned ? "it contains a character that ZooKeeper bans at byte \(index)" : nil
    }
}
