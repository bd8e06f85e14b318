/// Makes text from elsewhere (topics, payloads, comments, names, configuration) harmless to a terminal and to its reader: what
/// would steer the one, end the line, or make the other read something else is shown as `\u202e`, as JSON writes it.
///
/// Total: any text in, one line out. What has been made harmless is not changed again, and JSON stays the same JSON.
func printable(_ text: String) -> String { Printable.escaped(text, isKept: { _ in false }) }

/// The last step before anything is shown; see ``Terminal``.
enum Printable {
    /// Lines that are put together from harmless parts, or were meant to be: ends of lines and this program's own colours stay.
    static func lines(_ text: String) -> String { shown(text, isKept: { $0 == "\n" }) }

    /// One line: only the colours stay.
    static func line(_ text: String) -> String { shown(text, isKept: { _ in false }) }

    private static func shown(_ text: String, isKept: (Unicode.Scalar) -> Bool) -> String {
        guard text.unicodeScalars.contains(where: isDeceptive) else { return text }
        var result = ""
        var rest = text[...]
        while let escape = rest.firstIndex(of: "\u{1B}") {
            result += escaped(rest[..<escape], isKept: isKept)
            rest = rest[escape...]
            if Terminal.hasColours, let style = Style.sequences.first(where: rest.hasPrefix) {
                result += style
                rest = rest.dropFirst(style.count)
            } else {
                result += escaped("\u{1B}", isKept: { _ in false })
                rest = rest.dropFirst()
            }
        }
        return result + escaped(rest, isKept: isKept)
    }

    static func escaped(_ text: some StringProtocol, isKept: (Unicode.Scalar) -> Bool) -> String {
        let scalars = text.unicodeScalars
        guard scalars.contains(where: { isDeceptive($0) && !isKept($0) }) else { return String(text) }
        var result = String.UnicodeScalarView()
        for scalar in scalars {
            if !isDeceptive(scalar) || isKept(scalar) {
                result.append(scalar)
            } else {
                result.append(contentsOf: escape(scalar).unicodeScalars)
            }
        }
        return String(result)
    }

    /// Whether a character does something, or is not there to be seen.
    private static func isDeceptive(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.value < 0x7F { return scalar.value < 0x20 }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: return true
        // Emoji are followed by one that says how they are drawn.
        default: return scalar.properties.isDefaultIgnorableCodePoint && scalar != "\u{FE0E}" && scalar != "\u{FE0F}"
        }
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        default:
            // As RFC 8259 has it: two units for what lies beyond the first plane.
            String(scalar).utf16.map { unit in
                let digits = String(unit, radix: 16)
                return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }.joined()
        }
    }
}
