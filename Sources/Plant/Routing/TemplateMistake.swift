/// Why a text is not a template.
public enum TemplateMistake: Error, Hashable, Sendable, CustomStringConvertible {
    case empty
    case tooLong(bytes: Int)
    case tooManyLevels(Int)
    case nul
    /// A brace without its partner, or braces inside braces.
    case unbalancedBrace(level: String)
    case invalidName(String)
    case repeatedName(String)
    /// In a topic a placeholder is a whole level.
    case partOfLevel(String)
    /// `+` and `#` mixed with other characters.
    case misplacedWildcard(String)
    /// `#` before the last level.
    case restNotLast(String)
    /// A second `{name...}`, or `#` after one.
    case severalRests(String)

    public var description: String {
        switch self {
        case .empty: "it is empty"
        case .tooLong(let bytes): "it has \(bytes) bytes; at most \(TagPath.lengthLimit) are taken"
        case .tooManyLevels(let levels): "it has \(levels) levels; at most \(TagPath.levelLimit) are taken"
        case .nul: "it contains the character U+0000"
        case .unbalancedBrace(let level): "in “\(level)” a brace is not closed or not opened; write {name}"
        case .invalidName(let name): "“\(name)” is no name for a placeholder: use letters, digits, _ and -"
        case .repeatedName(let name): "{\(name)} occurs twice"
        case .partOfLevel(let level): "“\(level)”: a placeholder stands for a whole level of the topic"
        case .misplacedWildcard(let level): "“\(level)”: + and # stand alone in their level"
        case .restNotLast(let level): "“\(level)” takes all the remaining levels, so it can only be the last one"
        case .severalRests(let level):
            "“\(level)”: a topic can have only one {name...} or #; with two, nothing tells where the first one ends"
        }
    }
}
