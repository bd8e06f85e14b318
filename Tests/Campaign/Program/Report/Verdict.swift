import CampaignOracle

/// What the judge found in one round.
struct Verdict: Sendable {
    var occurrences = 0
    var findings: [Finding] = []
    /// Announcements and retained records that differ from the journal.
    var announcements: [String] = []
    /// Tag nodes and alarm records that differ from what they must hold.
    var nodes: [String] = []
    var commands = CommandVerdict([])
    /// Everything else, what a fault itself complains of included.
    var complaints: [String] = []

    func count(_ kind: Finding.Kind) -> Int { findings.filter { $0.kind == kind }.count }

    var isSound: Bool {
        findings.isEmpty && announcements.isEmpty && nodes.isEmpty && complaints.isEmpty && commands.violations.isEmpty
            && commands.open.isEmpty
    }

    var lines: [String] {
        findings.map { "\($0)" } + announcements + nodes + complaints + commands.violations
            + commands.open.map { "command did not end: \($0)" }
    }
}
