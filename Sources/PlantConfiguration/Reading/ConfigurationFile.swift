import FoundationEssentials
import Yams

/// One YAML file being read, and the list that its problems go to.
///
/// Not `Sendable`: lives for the length of one load, on one task.
final class ConfigurationFile {
    /// The path as shown in problems.
    let path: String
    let environment: [String: String]
    private let problems: ConfigurationProblems

    init(path: String, environment: [String: String], problems: ConfigurationProblems) {
        self.path = path
        self.environment = environment
        self.problems = problems
    }

    func report(
        _ severity: ConfigurationProblem.Severity, at mark: Mark?, _ what: String, expected: String? = nil
    ) {
        problems.append(
            ConfigurationProblem(
                severity, file: path, line: mark?.line, column: mark?.column, what: what, expected: expected))
    }

    /// Reads and parses the file. A file that is missing or is not YAML is reported, and gives nil.
    func root() -> ConfigurationValue? {
        let text: String
        do {
            let data = try Data(contentsOf: URL(filePath: path))
            guard let decoded = String(data: data, encoding: .utf8) else {
                report(.mistake, at: nil, "is not UTF-8 text", expected: "a YAML file in UTF-8")
                return nil
            }
            text = decoded
        } catch {
            report(.mistake, at: nil, "cannot be read: \(Self.reason(error))", expected: "a readable YAML file")
            return nil
        }
        do {
            guard let node = try Yams.compose(yaml: text) else {
                report(.mistake, at: nil, "is empty", expected: "a YAML mapping")
                return nil
            }
            return ConfigurationValue(node: node, file: self, name: "the file")
        } catch let error as YamlError {
            reportSyntax(error)
        } catch {
            report(.mistake, at: nil, "is not YAML: \(error)")
        }
        return nil
    }

    private func reportSyntax(_ error: YamlError) {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let detail = context.map { " (\($0.text.trimmed))" } ?? ""
            report(.mistake, at: mark, "is not YAML: \(problem)\(detail)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            report(
                .mistake, at: context.mark,
                "key \(duplicates.map { "\"\($0)\"" }.joined(separator: ", ")) is given twice",
                expected: "each key once")
        case .reader(let problem, let offset, _, _):
            report(.mistake, at: nil, "is not YAML: \(problem)" + (offset.map { " at byte \($0)" } ?? ""))
        default:
            report(.mistake, at: nil, "is not YAML: \(error)")
        }
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? CocoaError else { return "\(error)" }
        switch error.code {
        case .fileReadNoSuchFile, .fileNoSuchFile: return "there is no such file"
        case .fileReadNoPermission: return "no permission"
        default: return "error \(error.code.rawValue)"
        }
    }
}

/// What is wrong so far, from every file of one load.
final class ConfigurationProblems {
    private(set) var all: [ConfigurationProblem] = []
    private var known: Set<ConfigurationProblem> = []

    func append(_ problem: ConfigurationProblem) {
        if known.insert(problem).inserted { all.append(problem) }
    }

    var hasMistakes: Bool { all.contains { $0.severity == .mistake } }
}

extension String {
    fileprivate var trimmed: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
