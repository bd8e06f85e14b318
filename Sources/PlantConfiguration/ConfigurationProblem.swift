/// One mistake, or one doubtful thing, in the configuration: where it is, what it is, what was expected.
package struct ConfigurationProblem: Sendable, Hashable {
    package enum Severity: Sendable {
        /// The gateway does not start with it.
        case mistake
        /// Earlier versions took it. `check` refuses it, and the gateway starts with it and says so: no plant is to go
        /// unwatched after an upgrade.
        case toleratedMistake
        /// The gateway starts, but probably does not do what the author meant.
        case warning

        /// The word that people and programs see.
        package var name: String {
            switch self {
            case .mistake, .toleratedMistake: "mistake"
            case .warning: "warning"
            }
        }
    }

    package var severity: Severity
    /// The document's name: of a file as the user named it, or relative to how the user named the main file.
    package var file: String
    /// Counted from one; nil when the whole file is meant.
    package var line: Int?
    package var column: Int?
    package var what: String
    package var expected: String?

    package init(
        _ severity: Severity, file: String, line: Int? = nil, column: Int? = nil, what: String, expected: String? = nil
    ) {
        self.severity = severity
        self.file = file
        self.line = line
        self.column = column
        self.what = what
        self.expected = expected
    }
}

extension ConfigurationProblem: CustomStringConvertible {
    /// `file:line:column: mistake: what; expected …`, the shape that editors and terminals make clickable.
    package var description: String {
        var text = file
        if let line {
            text += ":\(line)"
            if let column { text += ":\(column)" }
        }
        text += ": \(severity.name): \(what)"
        if let expected { text += "; expected \(expected)" }
        return text
    }
}

/// Thrown when a configuration cannot be used. Carries every problem found, in the order of files and lines.
package struct ConfigurationError: Error, CustomStringConvertible, Sendable {
    package var problems: [ConfigurationProblem]

    package init(problems: [ConfigurationProblem]) { self.problems = problems }

    package var mistakes: [ConfigurationProblem] { problems.filter { $0.severity != .warning } }

    package var description: String { problems.map(\.description).joined(separator: "\n") }
}
