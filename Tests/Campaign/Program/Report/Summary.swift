import CampaignOracle

/// What a campaign found, by kind of fault. A round with two faults counts for the first one.
struct Summary {
    private struct Row {
        var rounds = 0
        var failed = 0
        var occurrences = 0
        var found: [Finding.Kind: Int] = [:]
        var other = 0
        var commands = 0
        var violations = 0
        var blindTags = Times()
        var blindAlarms = Times()
    }

    private var rows: [FaultKind: Row] = [:]

    mutating func add(_ result: RoundResult) {
        guard let kind = result.plan.kinds.first else { return }
        var row = rows[kind] ?? Row()
        row.rounds += 1
        if !result.isSound { row.failed += 1 }
        row.occurrences += result.verdict.occurrences
        for kind in Finding.Kind.allCases { row.found[kind, default: 0] += result.verdict.count(kind) }
        row.other += result.verdict.nodes.count + result.verdict.announcements.count + result.verdict.complaints.count
        row.commands += result.verdict.commands.states.values.reduce(0, +)
        row.violations += result.verdict.commands.violations.count + result.verdict.commands.open.count
        row.blindTags.add(result.blindTags)
        row.blindAlarms.add(result.blindAlarms)
        rows[kind] = row
    }

    /// A table; times are median/worst in milliseconds.
    var text: String {
        let heads =
            ["fault", "rounds", "failed", "occurrences"] + Finding.Kind.allCases.map(\.rawValue)
            + ["other", "commands", "violated", "blind tags", "blind alarms"]
        let lines = rows.sorted { $0.key.rawValue < $1.key.rawValue }.map { kind, row in
            [kind.rawValue, "\(row.rounds)", "\(row.failed)", "\(row.occurrences)"]
                + Finding.Kind.allCases.map { "\(row.found[$0] ?? 0)" }
                + [
                    "\(row.other)", "\(row.commands)", "\(row.violations)", row.blindTags.text, row.blindAlarms.text,
                ]
        }
        let table = [heads] + lines
        let widths = heads.indices.map { column in table.map { $0[column].count }.max() ?? 0 }
        return table.map { row in
            zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}
