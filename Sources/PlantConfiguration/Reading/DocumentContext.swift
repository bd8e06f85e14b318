import Yams

/// What a value of a document needs to be read and reported: the document's name, variables, and the list of problems.
///
/// Not `Sendable`: lives for the length of one reading, on one task.
final class DocumentContext {
    /// As shown in problems. What the document names is relative to it.
    let name: String
    let variables: [String: String]
    let zones: any TimeZones
    private let problems: ConfigurationProblems

    init(name: String, variables: [String: String], zones: any TimeZones, problems: ConfigurationProblems) {
        self.zones = zones
        self.name = name
        self.variables = variables
        self.problems = problems
    }

    func report(
        _ severity: ConfigurationProblem.Severity, at mark: Mark?, _ what: String, expected: String? = nil
    ) {
        problems.append(
            ConfigurationProblem(
                severity, file: name, line: mark?.line, column: mark?.column, what: what, expected: expected))
    }

    /// Whether there are so many problems that further ones are only counted.
    var isFull: Bool { problems.isFull }
}
