import JSON

/// The recursive-descent reader behind ``Interlock/init(_:)``; the grammar is there.
struct InterlockParser {
    /// Longest expression, in characters.
    static let lengthLimit = 4096
    /// How deep `not` and parentheses may nest, which bounds the recursion, and how many comparisons there may be, which
    /// bounds that of the evaluation.
    static let depthLimit = 32
    static let comparisonLimit = 128

    private enum Token: Equatable {
        case word(String)
        case quoted(String)
        case comparison(Interlock.Comparison)
        case open
        case close
        case end
    }

    private let scalars: [Unicode.Scalar]
    private var position = 0
    private var token = Token.end
    /// Column of ``token``.
    private var column = 1
    private var comparisons = 0
    private(set) var tags: [String] = []

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    mutating func parse() throws(Interlock.Mistake) -> Interlock.Node {
        guard scalars.count <= Self.lengthLimit else {
            throw Interlock.Mistake(column: Self.lengthLimit + 1, text: "longer than \(Self.lengthLimit) characters")
        }
        try advance()
        let node = try expression(depth: 0)
        guard token == .end else {
            throw mistake(token == .close ? "')' without '('" : "expected 'and', 'or' or the end, found \(name(token))")
        }
        return node
    }

    private mutating func expression(depth: Int) throws(Interlock.Mistake) -> Interlock.Node {
        var left = try conjunction(depth: depth)
        while token == .word("or") {
            try advance()
            left = .or(left, try conjunction(depth: depth))
        }
        return left
    }

    private mutating func conjunction(depth: Int) throws(Interlock.Mistake) -> Interlock.Node {
        var left = try term(depth: depth)
        while token == .word("and") {
            try advance()
            left = .and(left, try term(depth: depth))
        }
        return left
    }

    private mutating func term(depth: Int) throws(Interlock.Mistake) -> Interlock.Node {
        guard depth < Self.depthLimit else { throw mistake("nested deeper than \(Self.depthLimit)") }
        switch token {
        case .word("not"):
            try advance()
            return .not(try term(depth: depth + 1))
        case .open:
            let start = column
            try advance()
            let inner = try expression(depth: depth + 1)
            guard token == .close else {
                throw mistake("expected ')' for the '(' in column \(start), found \(name(token))")
            }
            try advance()
            return inner
        case .word("and"), .word("or"), .comparison, .close, .end:
            throw mistake("expected a tag, 'not' or '(', found \(name(token))")
        case .word(let tag), .quoted(let tag):
            return try comparison(tag: tag)
        }
    }

    private mutating func comparison(tag: String) throws(Interlock.Mistake) -> Interlock.Node {
        let index = try remember(tag)
        try advance()
        guard case .comparison(let comparison) = token else {
            throw mistake("expected ==, !=, <, <=, > or >= after the tag, found \(name(token))")
        }
        try advance()
        comparisons += 1
        guard comparisons <= Self.comparisonLimit else {
            throw mistake("more than \(Self.comparisonLimit) comparisons")
        }
        let literal = try self.literal()
        switch (literal, comparison) {
        case (.bool, .less), (.bool, .lessOrEqual), (.bool, .greater), (.bool, .greaterOrEqual), (.text, .less),
            (.text, .lessOrEqual), (.text, .greater), (.text, .greaterOrEqual):
            throw mistake("\(comparison.rawValue) compares numbers; true, false and text have only == and !=")
        case (.integer, _), (.number, _), (.bool, _), (.text, _): break
        }
        try advance()
        return .compare(tag: index, comparison, literal)
    }

    /// Index of the tag in ``tags``.
    private mutating func remember(_ tag: String) throws(Interlock.Mistake) -> Int {
        let template: DeviceTemplate
        // The longest device would make it too long, but that is known only when a command comes.
        do { template = try DeviceTemplate(tag) } catch { throw mistake("'\(tag)' is not a tag: \(error)") }
        if let placeholder = template.placeholders.first {
            throw mistake("'\(tag)' is not a tag: {\(placeholder)} is not known; only {device} can stand in it")
        }
        if let known = tags.firstIndex(of: template.text) { return known }
        tags.append(template.text)
        return tags.count - 1
    }

    private func literal() throws(Interlock.Mistake) -> TagValue {
        switch token {
        case .quoted(let text): return .text(text)
        case .word("true"): return .bool(true)
        case .word("false"): return .bool(false)
        case .word(let word):
            if let json = try? JSONValue(parsing: word), json.doubleValue != nil, let value = TagValue(json: json) {
                return value
            }
            throw mistake("expected a number, true, false or \"text\" in quotes, found \(word)")
        case .comparison, .open, .close, .end:
            throw mistake("expected a number, true, false or \"text\" in quotes, found \(name(token))")
        }
    }

    // MARK: Tokens

    private mutating func advance() throws(Interlock.Mistake) {
        while position < scalars.count, scalars[position].properties.isWhitespace { position += 1 }
        column = position + 1
        guard position < scalars.count else {
            token = .end
            return
        }
        let scalar = scalars[position]
        switch scalar {
        case "(":
            position += 1
            token = .open
        case ")":
            position += 1
            token = .close
        case "\"", "'": token = .quoted(try quoted(by: scalar))
        case "=", "!", "<", ">": token = .comparison(try comparisonOperator())
        default: token = .word(bareWord())
        }
    }

    private mutating func quoted(by quote: Unicode.Scalar) throws(Interlock.Mistake) -> String {
        var text = String.UnicodeScalarView()
        position += 1
        while position < scalars.count {
            let scalar = scalars[position]
            position += 1
            if scalar == quote { return String(text) }
            if scalar == "\\" {
                guard position < scalars.count, scalars[position] == quote || scalars[position] == "\\" else {
                    throw Interlock.Mistake(column: position, text: "'\\' stands only before a quote or another '\\'")
                }
                text.append(scalars[position])
                position += 1
            } else {
                text.append(scalar)
            }
        }
        throw mistake("a quote that is not closed")
    }

    private mutating func comparisonOperator() throws(Interlock.Mistake) -> Interlock.Comparison {
        let first = scalars[position]
        let hasEqual = position + 1 < scalars.count && scalars[position + 1] == "="
        switch (first, hasEqual) {
        case ("=", true): position += 2; return .equal
        case ("!", true): position += 2; return .notEqual
        case ("<", true): position += 2; return .lessOrEqual
        case (">", true): position += 2; return .greaterOrEqual
        case ("<", false): position += 1; return .less
        case (">", false): position += 1; return .greater
        case ("=", _): throw mistake("'=' is not a comparison; use ==")
        case (_, _): throw mistake("'!' is not an operator; use != or 'not'")
        }
    }

    private mutating func bareWord() -> String {
        var word = String.UnicodeScalarView()
        while position < scalars.count {
            let scalar = scalars[position]
            switch scalar {
            case "(", ")", "\"", "'", "=", "!", "<", ">": return String(word)
            default:
                if scalar.properties.isWhitespace { return String(word) }
                word.append(scalar)
                position += 1
            }
        }
        return String(word)
    }

    private func mistake(_ text: String) -> Interlock.Mistake { Interlock.Mistake(column: column, text: text) }

    private func name(_ token: Token) -> String {
        switch token {
        case .word(let word): word
        case .quoted(let text): "\"\(text)\""
        case .comparison(let comparison): comparison.rawValue
        case .open: "'('"
        case .close: "')'"
        case .end: "the end"
        }
    }
}
