/// `${VAR}` and `${VAR:-default}` in scalar values. `$${` stands for a literal `${`.
///
/// Substitution happens after parsing, so that a variable's value can never change the structure of the file.
enum VariableSubstitution {
    struct Problem: Error, CustomStringConvertible {
        var description: String
        var expected: String
    }

    static func apply(
        to text: String, variables: [String: String], depth: Int = 0
    ) -> Result<String, Problem> {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return .success(text) }
        var output = ""
        var rest = text[...]
        while let dollar = rest.utf8.firstIndex(of: UInt8(ascii: "$")) {
            output += rest[..<dollar]
            let tail = rest[dollar...]
            if tail.hasPrefix("$${") {
                output += "${"
                rest = tail.dropFirst(3)
                continue
            }
            guard tail.hasPrefix("${") else {
                output.append("$")
                rest = tail.dropFirst()
                continue
            }
            let begin = tail.index(dollar, offsetBy: 2)
            guard let close = closingBrace(tail[begin...]) else {
                return .failure(
                    Problem(
                        description: "\"\(ConfigurationValue.label(text))\" has ${ without }",
                        expected: "${NAME} or ${NAME:-default}"))
            }
            guard depth < DocumentCapacity.nestedDefaults else {
                return .failure(
                    Problem(
                        description: "has too many defaults within each other",
                        expected: "at most \(DocumentCapacity.nestedDefaults)"))
            }
            let inside = tail[begin..<close]
            let (name, fallback) = split(inside)
            guard isName(name) else {
                return .failure(
                    Problem(
                        description: "\"${\(ConfigurationValue.label(String(inside)))}\" does not name a variable",
                        expected: "${NAME} or ${NAME:-default}"))
            }
            if let value = variables[String(name)], !value.isEmpty {
                output += value
            } else if let fallback {
                // A default may itself be a variable: ${GATEWAY:-${HOSTNAME}}.
                switch apply(to: String(fallback), variables: variables, depth: depth + 1) {
                case .success(let text): output += text
                case .failure(let problem): return .failure(problem)
                }
            } else {
                return .failure(
                    Problem(
                        description: "the environment variable \(name) is not set",
                        expected: "\(name) in the environment, or ${\(name):-default} here"))
            }
            guard output.utf8.count <= DocumentCapacity.substitutedBytes else {
                return .failure(
                    Problem(
                        description: "has too much text in the place of its variables",
                        expected: "at most \(SizeSyntax.text(DocumentCapacity.substitutedBytes))"))
            }
            rest = tail[tail.index(after: close)...]
        }
        return .success(output + rest)
    }

    /// The brace that ends a variable whose inside begins here, over nested ones. In bytes: characters cost too much where
    /// somebody has written millions of them.
    private static func closingBrace(_ text: Substring) -> String.Index? {
        var depth = 0
        var before: UInt8 = 0
        for index in text.utf8.indices {
            let byte = text.utf8[index]
            switch byte {
            case UInt8(ascii: "{") where before == UInt8(ascii: "$"): depth += 1
            case UInt8(ascii: "}"):
                if depth == 0 { return index }
                depth -= 1
            default: break
            }
            before = byte
        }
        return nil
    }

    private static func split(_ inside: Substring) -> (name: Substring, fallback: Substring?) {
        var before: String.Index?
        for index in inside.utf8.indices {
            if let colon = before, inside.utf8[colon] == UInt8(ascii: ":"), inside.utf8[index] == UInt8(ascii: "-") {
                return (inside[..<colon], inside[inside.utf8.index(after: index)...])
            }
            before = index
        }
        return (inside, nil)
    }

    private static func isName(_ name: Substring) -> Bool {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return false
        }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }
}
