import ArgumentParser
import Plant
import PlantClient

/// What all `forget` commands take.
struct ForgetOptions: ParsableArguments {
    @Flag(
        name: .long,
        help: "All that the configuration does not define any more, of those that match the filter (default: #).")
    var orphaned = false

    @Option(name: .long, help: ArgumentHelp("Who asks for it. Default: you.", valueName: "name"))
    var by: String = Person.current

    @Option(name: .long, help: ArgumentHelp("What to remember about it.", valueName: "text"))
    var comment: String?
}

/// Asks for each removal and says what became of it.
enum Forgetting {
    /// Whether an argument names one thing, rather than all that match it.
    static func isName(_ text: String, _ options: ForgetOptions) -> Bool {
        !options.orphaned && !text.split(separator: "/").contains { $0 == "+" || $0 == "#" }
    }

    /// - Throws: a mistake of the command line, for names that nothing has.
    static func check(_ names: [String?]) throws {
        for case let name? in names {
            guard !name.isEmpty else { throw ValidationError("a name is empty") }
            guard name.utf8.count <= AlarmOperation.textLimit else {
                throw ValidationError("a name has more than \(AlarmOperation.textLimit) bytes")
            }
        }
    }

    /// All that match a filter, or of them those that are orphaned.
    ///
    /// - Parameter hint: What to say when nothing matches, beside that.
    static func run<Row: ListedRow>(
        _ filter: String?, _ options: ForgetOptions, _ tree: TreeOptions, hint: String? = nil,
        selection: (TopicFilter, Definitions) -> Selection<Row>
    ) async throws {
        var argument = FilterArgument()
        argument.filter = filter ?? "#"
        let orphaned = options.orphaned
        let definitions = orphaned ? try Definitions(toFindOrphans: tree.ownDefinition) : .none
        let selection = selection(try argument.parsed(), definitions)
        let subjects = try await tree.withPlant { plant in
            try await plant.items(selection).filter { $0.isOrphaned || !orphaned }.map(\.subject)
        }
        guard !subjects.isEmpty else {
            return Terminal.errorLine(
                "no \(Row.noun) \(orphaned ? "is orphaned" : "matches")\(hint.map { "; \($0)" } ?? "")")
        }
        try await run(subjects, options, tree)
    }

    static func run(
        _ subjects: [AlarmOperation.Subject], _ options: ForgetOptions, _ tree: TreeOptions
    ) async throws {
        let (by, comment, orphaned) = (options.by, options.comment, options.orphaned)
        let refused = try await tree.withPlant { plant in
            var refused = 0
            for subject in subjects {
                let operation = AlarmOperation(.forget, subject, onlyIfOrphaned: orphaned, comment: comment)
                let answer = try await plant.ask(operation, by: by, at: WallClock.now())
                if answer.result == .done {
                    Terminal.line(printable("forgotten: \(text(subject))\(companions(of: subject, answer))"))
                } else {
                    refused += 1
                    Terminal.errorLine(
                        printable("not forgotten: \(text(subject)): \(answer.reason ?? "refused")"))
                }
            }
            return refused
        }
        if refused > 0 { throw CommandFailure(.no) }
    }

    private static func text(_ subject: AlarmOperation.Subject) -> String {
        switch subject {
        case .alarm(let alarm, let tag): "alarm \(alarm) on \(tag)"
        case .tag(let tag): "tag \(tag)"
        case .device(let device): "device \(device)"
        }
    }

    /// What went with a tag or device.
    private static func companions(of subject: AlarmOperation.Subject, _ answer: RequestAnswer) -> String {
        guard let removed = answer.removed else { return "" }
        var parts: [String] = []
        if case .device = subject, removed.tags > 0 { parts.append(HumanText.count(removed.tags, "tag")) }
        if case .alarm = subject {
        } else if removed.alarms > 0 {
            parts.append(HumanText.count(removed.alarms, "alarm"))
        }
        return parts.isEmpty ? "" : " with \(parts.joined(separator: " and "))"
    }
}
