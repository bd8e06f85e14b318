/// Which names of metrics can be the levels of a tag's name below their device.
///
/// A metric's name may have any characters; the name of a tag is one that a topic can have. `/` separates levels, and a level
/// may be empty, as in `/a` or `a//b`. Nothing is replaced: what would have to be is refused, and so no two metrics become
/// one tag.
public enum SparkplugTagName {
    /// Longest name in bytes.
    public static let lengthLimit = 768
    /// Most levels: a tag has 32, of which the device takes some.
    public static let levelLimit = 24

    /// Why a name cannot be the name of a tag.
    public enum Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        case empty
        case tooLong
        case tooManyLevels
        case invalidUTF8
        /// `+` or `#`.
        case wildcard
        case nul

        public var description: String {
            switch self {
            case .empty: "it is empty"
            case .tooLong: "it has more than \(lengthLimit) bytes"
            case .tooManyLevels: "it has more than \(levelLimit) levels"
            case .invalidUTF8: "it is not valid UTF-8"
            case .wildcard: "it contains + or #, which no topic may"
            case .nul: "it contains the character U+0000"
            }
        }
    }

    /// The levels of the tag of a metric, joined by `/`.
    public static func levels(of name: borrowing Span<UInt8>) throws(Refusal) -> String {
        guard !name.isEmpty else { throw .empty }
        guard name.count <= lengthLimit else { throw .tooLong }
        var levels = 1
        for index in name.indices {
            switch name[index] {
            case UInt8(ascii: "/"): levels &+= 1
            case UInt8(ascii: "+"), UInt8(ascii: "#"): throw .wildcard
            case 0: throw .nul
            default: break
            }
        }
        guard levels <= levelLimit else { throw .tooManyLevels }
        guard Wire.firstInvalidUTF8(name, name.indices) == nil else { throw .invalidUTF8 }
        return name.text()
    }
}
