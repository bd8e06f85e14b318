import Yams

/// How large a document becomes when its aliases are written out.
///
/// While YAML is composed an alias costs nothing, but for everybody who walks over the result it is a copy: ten lists of
/// ten aliases, each to the list before, are ten thousand million values. Composing itself walks over keys, to find those
/// that are given twice, so this must be known before. Hence the document is composed once with a plain scalar in the place
/// of each alias, and that is counted.
struct AliasExpansion {
    struct Mistake: Error {
        var mark: Mark?
        var what: String
        var expected: String
    }

    /// Begins the scalar that stands for an alias: a character without a meaning of its own that YAML allows everywhere.
    private static let stand: Character = "\u{E000}"

    private var values = 0
    private var bytes = 0
    /// By anchor: what the newest node of that name becomes.
    private var sizes: [String: (values: Int, bytes: Int, isScalar: Bool)] = [:]

    private init() {}

    /// Throws ``Mistake`` for a document that is too large with its aliases written out, or has keys that are not text beside
    /// aliases, and what Yams throws.
    static func check(_ text: String) throws {
        guard let text = withoutAliases(text) else { return }
        let parser = try ConfigurationDocument.parser(text)
        guard let root = try parser.singleRoot() else { return }
        var expansion = AliasExpansion()
        // A node knows its anchor only while its parser is there.
        try withExtendedLifetime(parser) { try expansion.walk(root) }
    }

    private mutating func walk(_ node: Node) throws(Mistake) {
        let before = (values: values, bytes: bytes)
        switch node {
        case .scalar(let scalar):
            if let name = Self.alias(scalar), let size = sizes[name] {
                try add(size.values, size.bytes, scalar.mark)
            } else {
                try add(1, scalar.string.utf8.count, scalar.mark)
            }
        case .sequence(let sequence):
            try add(1, 0, sequence.mark)
            for element in sequence { try walk(element) }
        case .mapping(let mapping):
            try add(1, 0, mapping.mark)
            for (key, value) in mapping {
                guard let scalar = key.scalar, Self.alias(scalar).flatMap({ sizes[$0]?.isScalar }) ?? true else {
                    throw Mistake(mark: key.mark, what: "a key is not text", expected: "a word in each key's place")
                }
                try walk(key)
                try walk(value)
            }
        case .alias(let alias): try add(1, 0, alias.mark)
        }
        if let anchor = node.anchor {
            sizes[anchor.rawValue] = (values - before.values, bytes - before.bytes, node.scalar != nil)
        }
    }

    private mutating func add(_ values: Int, _ bytes: Int, _ mark: Mark?) throws(Mistake) {
        self.values += values
        self.bytes += bytes
        guard self.values <= DocumentCapacity.values, self.bytes <= DocumentCapacity.expandedBytes else {
            throw Mistake(
                mark: mark, what: "has too many values when its aliases are written out",
                expected:
                    "at most \(DocumentCapacity.values), of \(SizeSyntax.text(DocumentCapacity.expandedBytes)) together"
            )
        }
    }

    private static func alias(_ scalar: Node.Scalar) -> String? {
        guard scalar.style == .plain, scalar.string.first == stand else { return nil }
        return String(scalar.string.dropFirst())
    }

    /// The text with a scalar for each alias; nil when there is none.
    ///
    /// `*name` counts only after `&name`, so that hardly any asterisk is taken for an alias that is none; where one is, in
    /// text or a comment, nothing changes but that text.
    private static func withoutAliases(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        var anchors: Set<ArraySlice<UInt8>> = []
        var output: [UInt8] = []
        var copied = 0
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            guard byte == UInt8(ascii: "&") || byte == UInt8(ascii: "*") else { continue }
            let name = bytes[index...].prefix(while: isNameByte)
            guard !name.isEmpty else { continue }
            if byte == UInt8(ascii: "&") {
                anchors.insert(name)
            } else if anchors.contains(name) {
                output += bytes[copied..<(index - 1)]
                output += String(stand).utf8
                output += name
                copied = name.endIndex
                // An alias ends here; a scalar that is not quoted would take the colon in.
                if copied < bytes.count, bytes[copied] == UInt8(ascii: ":") {
                    output += " : ".utf8
                    copied += 1
                }
            }
            index = name.endIndex
        }
        guard copied > 0 else { return nil }
        return String(decoding: output + bytes[copied...], as: UTF8.self)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
