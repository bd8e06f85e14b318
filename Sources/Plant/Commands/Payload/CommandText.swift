import JSON

/// A text with placeholders: `Power {state}`. `{{` and `}}` stand for braces.
public struct CommandText: Sendable, Hashable, CustomStringConvertible {
    public enum Mistake: Error, Hashable, Sendable, CustomStringConvertible {
        case unbalancedBrace(String)
        case unnamedPlaceholder(String)

        public var description: String {
            switch self {
            case .unbalancedBrace(let text):
                "in \"\(text)\" a brace is not closed or not opened; a placeholder is {name}, and braces that are sent are {{ and }}"
            case .unnamedPlaceholder(let text): "in \"\(text)\" {} has no name"
            }
        }
    }

    enum Segment: Sendable, Hashable {
        case literal(String)
        case placeholder(String)
    }

    /// As it was given.
    public let text: String
    let segments: [Segment]

    public init(_ text: String) throws(Mistake) {
        var segments: [Segment] = []
        var current = String.UnicodeScalarView()
        var isInside = false
        let scalars = Array(text.unicodeScalars)
        var index = 0
        while index < scalars.count {
            let scalar = scalars[index]
            let isDoubled = index + 1 < scalars.count && scalars[index + 1] == scalar
            index += 1
            switch (scalar, isInside) {
            case ("{", false) where isDoubled, ("}", false) where isDoubled:
                current.append(scalar)
                index += 1
            case ("{", false):
                if !current.isEmpty { segments.append(.literal(String(current))) }
                current = .init()
                isInside = true
            case ("}", true):
                guard !current.isEmpty else { throw .unnamedPlaceholder(text) }
                segments.append(.placeholder(String(current)))
                current = .init()
                isInside = false
            case ("{", true), ("}", false): throw .unbalancedBrace(text)
            default: current.append(scalar)
            }
        }
        guard !isInside else { throw .unbalancedBrace(text) }
        if !current.isEmpty { segments.append(.literal(String(current))) }
        self.text = text
        self.segments = segments
    }

    public var description: String { text }

    /// Its placeholders, in order.
    var placeholders: [String] {
        segments.compactMap { if case .placeholder(let name) = $0 { name } else { nil } }
    }

    /// What it always says; nil when there are placeholders in it.
    package var constant: String? { placeholders.isEmpty ? filled { _ in nil } : nil }

    /// The placeholder that is the whole text; nil when there is something else.
    package var onlyPlaceholder: String? {
        guard segments.count == 1, case .placeholder(let name)? = segments.first else { return nil }
        return name
    }

    /// The text with every placeholder filled; nil when one has no value.
    func filled(_ value: (String) -> JSONValue?) -> String? {
        var result = ""
        for segment in segments {
            switch segment {
            case .literal(let text): result += text
            case .placeholder(let name):
                guard let value = value(name) else { return nil }
                result += value.plainText
            }
        }
        return result
    }
}

extension JSONValue {
    /// The value as text: a string without quotes, anything else as in JSON.
    var plainText: String { stringValue ?? description }
}
