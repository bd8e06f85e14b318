/// Line protocol read slowly and plainly, by cutting text at separators: lines first, then their parts. It shares nothing with
/// the scanner but what both have to say.
///
/// A byte is a scalar of the same number here, so that places are the same and whatever is no UTF-8 can be told.
enum ReferenceParser {
    /// Each line that is neither empty nor a comment: the point in it, or nil.
    static func lines(_ bytes: [UInt8]) -> [Point?] {
        var rest = bytes.map { Unicode.Scalar($0) }[...]
        var points: [Point?] = []
        while let line = takeLine(&rest) {
            let content = line.drop { $0 == " " }
            if content.isEmpty || content.first == "#" { continue }
            points.append(point(content))
        }
        return points
    }

    // MARK: lines

    private static func takeLine(_ rest: inout ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar>? {
        guard !rest.isEmpty else { return nil }
        let content = rest.drop { $0 == " " }
        var end = content.startIndex
        if content.first == "#" {
            end = firstBreak(content, from: end)
        } else {
            var fieldsBegin = false
            while end < content.endIndex, content[end] != "\n" {
                if content[end] == " ", !isEscaped(content, end) { fieldsBegin = true }
                guard fieldsBegin, opensText(content, end) else {
                    end += 1
                    continue
                }
                guard let close = closingQuote(content, of: end) else {
                    end = firstBreak(content, from: end)
                    break
                }
                end = close + 1
            }
        }
        var line = content[content.startIndex..<end]
        rest = content[min(end + 1, content.endIndex)...]
        if line.last == "\r" { line.removeLast() }
        return line
    }

    private static func firstBreak(_ text: ArraySlice<Unicode.Scalar>, from start: Int) -> Int {
        text[start...].firstIndex(of: "\n") ?? text.endIndex
    }

    /// A name has no escape for a backslash: one before a separator always escapes it.
    private static func isEscaped(_ text: ArraySlice<Unicode.Scalar>, _ index: Int) -> Bool {
        index > text.startIndex && text[index - 1] == "\\"
    }

    private static func opensText(_ text: ArraySlice<Unicode.Scalar>, _ index: Int) -> Bool {
        text[index] == "\"" && index > text.startIndex && text[index - 1] == "=" && !isEscaped(text, index - 1)
    }

    /// The first quote with an even number of backslashes before it, unless the text spans lines and something follows it.
    private static func closingQuote(_ text: ArraySlice<Unicode.Scalar>, of opening: Int) -> Int? {
        for index in (opening + 1)..<text.endIndex where text[index] == "\"" {
            let backslashes = text[(opening + 1)..<index].reversed().prefix { $0 == "\\" }.count
            guard backslashes.isMultiple(of: 2) else { continue }
            guard text[opening..<index].contains("\n") else { return index }
            let after = text[(index + 1)...].prefix(2)
            let isEnd =
                after.isEmpty || after.first == "," || after.first == " " || after.first == "\n"
                || Array(after) == ["\r", "\n"] || Array(after) == ["\r"]
            return isEnd ? index : nil
        }
        return nil
    }

    // MARK: parts

    private static func point(_ line: ArraySlice<Unicode.Scalar>) -> Point? {
        // Text begins in fields only: a quote in measurement or tags keeps nothing together.
        let head = cut(line, at: " ", keepsText: false)[0]
        let sections = cut(line[head.endIndex...], at: " ", keepsText: true).filter { !$0.isEmpty }
        guard (1...2).contains(sections.count) else { return nil }
        var names = cut(head, at: ",", keepsText: false)
        guard let measurement = name(names.removeFirst(), escapes: ", ") else { return nil }
        var point = Point(measurement: measurement, tags: [], fields: [], time: nil)
        for tag in names {
            let sides = cut(tag, at: "=", keepsText: false)
            guard sides.count == 2, let key = name(sides[0], escapes: ",= "), let value = name(sides[1], escapes: ",= ")
            else { return nil }
            point.tags.append(Point.Tag(key: key, value: value))
        }
        for field in cut(sections[0], at: ",", keepsText: true) {
            let sides = cut(field, at: "=", keepsText: false)
            guard sides.count >= 2, let key = name(sides[0], escapes: ",= "),
                let value = value(string(field[(sides[0].endIndex + 1)...]))
            else { return nil }
            point.fields.append(Point.Field(key: key, value: value))
        }
        guard sections.count == 2 else { return point }
        guard let number = Int64(string(sections[1])), sections[1].first != "+" else { return nil }
        point.time = number
        return point
    }

    /// Cuts at separators that no backslash escapes and, if wanted, that are in no quoted text.
    private static func cut(
        _ text: ArraySlice<Unicode.Scalar>, at separator: Unicode.Scalar, keepsText: Bool
    ) -> [ArraySlice<Unicode.Scalar>] {
        var parts: [ArraySlice<Unicode.Scalar>] = []
        var start = text.startIndex
        var index = start
        while index < text.endIndex {
            if keepsText, opensText(text, index), let close = closingQuote(text, of: index) {
                index = close
            } else if text[index] == separator, !isEscaped(text, index) {
                parts.append(text[start..<index])
                start = index + 1
            }
            index += 1
        }
        return parts + [text[start...]]
    }

    private static func name(_ text: ArraySlice<Unicode.Scalar>, escapes: String) -> String? {
        guard !text.isEmpty, !text.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else { return nil }
        var name = string(text)
        for escaped in escapes {
            name = name.split(separator: "\\\(escaped)", omittingEmptySubsequences: false).joined(
                separator: String(escaped))
        }
        return utf8(name)
    }

    private static func value(_ text: String) -> Point.Value? {
        switch text {
        case "t", "T", "true", "True", "TRUE": return .bool(true)
        case "f", "F", "false", "False", "FALSE": return .bool(false)
        default: break
        }
        if text.first == "\"" { return quoted(text.dropFirst()).map { .text($0) } }
        guard text.allSatisfy({ $0.isASCII }) else { return nil }
        if text.last == "i" {
            return digits(text.dropLast(), sign: true) ? Int64(text.dropLast()).map { .integer($0) } : nil
        }
        if text.last == "u" {
            return digits(text.dropLast(), sign: false) ? UInt64(text.dropLast()).map { .unsigned($0) } : nil
        }
        guard isFloat(text), let number = Double(text), number.isFinite else { return nil }
        return .float(number.bitPattern)
    }

    private static func digits(_ text: Substring, sign: Bool) -> Bool {
        let digits = sign && text.first == "-" ? text.dropFirst() : text
        return !digits.isEmpty && digits.allSatisfy { ("0"..."9").contains($0) }
    }

    private static func isFloat(_ text: String) -> Bool {
        let halves = text.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == "e" || $0 == "E" }
        if halves.count == 2 {
            let power = halves[1].first == "+" ? halves[1].dropFirst() : halves[1]
            guard digits(power, sign: halves[1].first != "+") else { return false }
        }
        let number = halves[0].first == "-" ? halves[0].dropFirst() : halves[0]
        let sides = number.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        return digits(Substring(sides.joined()), sign: false) && text.utf8.count <= 4096
    }

    /// What stands behind an opening quote.
    private static func quoted(_ text: Substring) -> String? {
        var content = ""
        var rest = text
        while let character = rest.popFirst() {
            switch character {
            case "\"": return rest.isEmpty ? utf8(content) : nil
            case "\\": content.append(rest.first == "\"" || rest.first == "\\" ? rest.removeFirst() : character)
            default: content.append(character)
            }
        }
        return nil
    }

    private static func string(_ text: ArraySlice<Unicode.Scalar>) -> String { String(String.UnicodeScalarView(text)) }

    private static func utf8(_ text: String) -> String? {
        String(validating: text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }, as: UTF8.self)
    }
}
