/// `${VAR}` and `${VAR:-default}` in scalar values. `$${` stands for a literal `${`.
///
/// Substitution happens after parsing, so that a variable's value can never change the structure of the file.
enum VariableSubstitution {
    struct Problem: Error, CustomStringConvertible {
        var description: String
        var expected: String
    }

    static func apply(to text: String, environment: [String: String]) -> Result<String, Problem> {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return .success(text) }
        var output = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
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
                    Problem(description: "\"\(text)\" has ${ without }", expected: "${NAME} or ${NAME:-default}"))
            }
            let inside = tail[begin..<close]
            let (name, fallback) = split(inside)
            guard isName(name) else {
                return .failure(
                    Problem(
                        description: "\"${\(inside)}\" does not name a variable",
                        expected: "${NAME} or ${NAME:-default}"))
            }
            if let value = environment[String(name)], !value.isEmpty {
                output += value
            } else if let fallback {
                // A default may itself be a variable: ${GATEWAY:-${HOSTNAME}}.
                switch apply(to: String(fallback), environment: environment) {
                case .success(let text): output += text
                case .failure(let problem): return .failure(problem)
                }
            } else {
                return .failure(
                    Problem(
                        description: "the environment variable \(name) is not set",
                        expected: "\(name) in the environment, or ${\(name):-default} here"))
            }
            rest = tail[tail.index(after: close)...]
        }
        return .success(output + rest)
    }

    /// The brace that ends a variable whose inside begins here, over nested ones.
    private static func closingBrace(_ text: Substring) -> String.Index? {
        var depth = 0
        for index in text.indices {
            if text[index...].hasPrefix("${") { depth += 1 }
            guard text[index] == "}" else { continue }
            if depth == 0 { return index }
            depth -= 1
        }
        return nil
    }

    private static func split(_ inside: Substring) -> (name: Substring, fallback: Substring?) {
        var index = inside.startIndex
        while index < inside.endIndex {
            if inside[index...].hasPrefix(":-") {
                return (inside[..<index], inside[inside.index(index, offsetBy: 2)...])
            }
            index = inside.index(after: index)
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
