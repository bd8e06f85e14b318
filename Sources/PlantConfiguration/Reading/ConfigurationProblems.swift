/// What is wrong so far, from every document of one reading.
final class ConfigurationProblems {
    private var listed: [ConfigurationProblem] = []
    private var known: Set<ConfigurationProblem> = []
    private var omitted = 0
    private var omittedSeverity = ConfigurationProblem.Severity.warning

    private(set) var hasMistakes = false

    func append(_ problem: ConfigurationProblem) {
        var problem = problem
        problem.what = DocumentCapacity.shortened(problem.what, to: DocumentCapacity.problemBytes)
        if problem.severity == .mistake { hasMistakes = true }
        guard !isFull else {
            omitted += 1
            if problem.severity != .warning, omittedSeverity != .mistake { omittedSeverity = problem.severity }
            return
        }
        if known.insert(problem).inserted { listed.append(problem) }
    }

    var isFull: Bool { listed.count >= DocumentCapacity.problems }

    /// In the order in which they were found.
    var all: [ConfigurationProblem] {
        guard omitted > 0, let last = listed.last else { return listed }
        return listed + [
            ConfigurationProblem(omittedSeverity, file: last.file, what: "\(omitted) further problems are not listed")
        ]
    }
}
