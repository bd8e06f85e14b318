import CampaignOracle

/// How one round ended.
struct RoundResult: Sendable {
    let plan: RoundPlan
    var verdict = Verdict()
    /// What kept the round from being played to its end.
    var failure: String?
    var blindTags: Duration?
    var blindAlarms: Duration?
    var published = 0
    var takeovers = 0
    var took = Duration.zero
    /// Where its logs are.
    var kept: String?

    init(plan: RoundPlan) { self.plan = plan }

    var isSound: Bool { failure == nil && verdict.isSound }

    /// One line that says it all, and how to play the round again.
    var line: String {
        let found = Finding.Kind.allCases.map { "\($0.rawValue) \(verdict.count($0))" }.joined(separator: " ")
        let states = verdict.commands.states.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        let commands = states.isEmpty ? "none" : states.joined(separator: " ")
        let wrong = verdict.nodes.count + verdict.announcements.count + verdict.complaints.count
        return "\(isSound ? "ok  " : "FAIL") seed \(plan.seed) round \(plan.number) | \(plan.kindText) | "
            + "\(plan.gateways) gw, \(plan.tree.rawValue) | \(published) samples, \(verdict.occurrences) occurrences: \(found)"
            + (wrong > 0 ? ", \(wrong) other" : "") + " | commands: \(commands)"
            + (verdict.commands.repeated > 0 ? ", \(verdict.commands.repeated) repeated" : "")
            + " | blind tags \(Self.text(blindTags)), alarms \(Self.text(blindAlarms)) | \(takeovers) elections | \(took.milliseconds / 1000).\(took.milliseconds / 100 % 10) s"
    }

    private static func text(_ time: Duration?) -> String { time.map { "\($0.milliseconds) ms" } ?? "-" }
}
