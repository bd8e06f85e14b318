import Testing

@testable import CampaignOracle

@Suite("Identities, announcements and commands")
struct VerdictTests {
    @Test("two events for one sample, and one event for two samples, are doubled")
    func identities() {
        let first = entry("ACT", "high", at: 1, 1, event: "x")
        #expect(IdentityVerdict.findings([first, entry("ACT", "high", at: 5, 5, event: "y")]).isEmpty)
        #expect(IdentityVerdict.findings([first, entry("ACT", "high", at: 1, 1, event: "y")]).count == 1)
        let twins = [first, entry("ACT", "high", at: 1, 1, event: "y")]
        #expect(IdentityVerdict.findings(twins) { $0 == first.alarm && $1 == 1 }.isEmpty)
        #expect(IdentityVerdict.findings([first, entry("ACT", "high", at: 5, 5, event: "x")]).count == 1)
    }

    @Test("what is recorded must be heard, what is heard recorded, and the last record retained")
    func announcements() {
        let journal = [entry("ACT", "high", at: 1, 1), entry("RTN", "normal", at: 2, 2)]
        func complaints(_ events: [SeenTransition], _ retained: SeenTransition?, deaf: Bool = false) -> Int {
            AnnouncementVerdict(journal: journal, events: events, retained: retained.map { ["a": $0] } ?? [:]) { _ in
                deaf
            }.complaints.count
        }
        #expect(complaints(journal + journal, journal[1]) == 0)
        #expect(complaints([journal[0]], journal[1]) == 1)
        #expect(complaints([journal[0]], journal[1], deaf: true) == 0)
        #expect(complaints(journal + [entry("ACT", "high", at: 9, 9)], journal[1]) == 1)
        #expect(complaints(journal, journal[0]) == 1)
        #expect(complaints(journal, nil) == 1)
    }

    @Test("at most once is never twice, success is never false, and all must end")
    func commands() {
        func verdict(_ atMostOnce: Bool, _ executions: Int, _ state: String?, succeeds: Bool = true) -> CommandVerdict {
            var command = CommandCase(id: "c", isAtMostOnce: atMostOnce, deviceSucceeds: succeeds)
            command.executions = executions
            command.state = state
            return CommandVerdict([command])
        }
        #expect(verdict(true, 1, "SUCCEEDED").violations.isEmpty)
        #expect(verdict(false, 2, "SUCCEEDED").violations.isEmpty)
        #expect(verdict(true, 1, "UNKNOWN").violations.isEmpty)
        #expect(verdict(true, 2, "UNKNOWN").violations.count == 1)
        #expect(verdict(false, 0, "SUCCEEDED").violations.count == 1)
        #expect(verdict(false, 1, "SUCCEEDED", succeeds: false).violations.count == 1)
        #expect(verdict(false, 1, "EXPIRED").violations.count == 1)
        #expect(verdict(false, 1, "FAILED").violations.count == 1)
        #expect(verdict(false, 0, "SENT").open.count == 1)
        #expect(verdict(false, 0, nil).open.count == 1)
    }
}
