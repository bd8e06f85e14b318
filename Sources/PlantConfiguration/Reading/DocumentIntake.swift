/// Takes the documents of one reading: holds them to what may be taken in all, and collects what is wrong with them.
///
/// Not `Sendable`: lives for the length of one reading, on one task.
final class DocumentIntake {
    let problems = ConfigurationProblems()
    /// What `${…}` stands for.
    private let variables: [String: String]
    private let zones: any TimeZones
    private var bytes = 0

    init(variables: [String: String], zones: any TimeZones) {
        self.variables = variables
        self.zones = zones
    }

    /// A document as a mapping with these keys; nil, with the reason among the problems, when it is none.
    func section(_ document: ConfigurationDocument, keys: [String]) -> ConfigurationSection? {
        let context = DocumentContext(name: document.name, variables: variables, zones: zones, problems: problems)
        bytes += document.bytes.count
        guard bytes <= DocumentCapacity.bytes else {
            context.report(
                .mistake, at: nil, "is too large: with it the configuration has \(bytes) bytes",
                expected: "at most \(SizeSyntax.text(DocumentCapacity.bytes))")
            return nil
        }
        return document.root(context)?.section(keys: keys)
    }

    /// What there is instead of a document.
    func report(unreadable name: String, because reason: String) {
        problems.append(
            ConfigurationProblem(
                .mistake, file: name, what: "cannot be read: \(reason)", expected: "a readable YAML file"))
    }
}
