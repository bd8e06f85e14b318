import Testing

@testable import Plant

/// Announcements of some alarms, and what is on its way of them, by a short text: `press1 record 3`, `press1 event 7`.
struct AnnouncementFixture {
    var announcements: Announcements
    private var underWay: [String: Announcements.Publication] = [:]

    init(limits: Announcements.Limits = .init()) {
        announcements = Announcements(limits: limits)
        announcements.connected(at: 0)
    }

    static func record(_ name: String, _ revision: Int64, priority: AlarmPriority = .high) throws -> AlarmRecord {
        AlarmRecord(
            path: AlarmPath(tag: try TagPath("factory/line1/\(name)/temperature"), alarm: "overtemperature"),
            lifeCycle: .init(condition: .high, isAcknowledged: false), priority: priority,
            eventID: "\(name)-\(revision)",
            occurrence: revision, value: 90, limit: 85, since: 1_000, epoch: 1, changedAt: revision,
            sampledAt: revision,
            revision: revision)
    }

    mutating func owe(
        _ sequence: Int64, _ name: String, _ revision: Int64, _ transition: AlarmTransition = .activated,
        age: Milliseconds = 0, at now: Milliseconds = 0
    ) throws {
        let transition = ProposedTransition(
            transition: transition, record: try Self.record(name, revision), at: revision)
        announcements.entryOwed(sequence, transition, age: age, at: now)
    }

    /// What has been settled since this was last asked: `7 delivered`, or why it was given up.
    mutating func settled() -> [String] {
        announcements.takeSettled().map { settlement in
            switch settlement.delivery {
            case .owed: "\(settlement.sequence) owed"
            case .delivered: "\(settlement.sequence) delivered"
            case .givenUp(let why): "\(settlement.sequence) \(why)"
            }
        }
    }

    /// What leaves now.
    mutating func step(at now: Milliseconds, limit: Int = 1_000) -> [String] {
        announcements.next(limit: limit, at: now).map { publication in
            let name = publication.alarm.tag.text.split(separator: "/")[2]
            let text =
                switch publication.content {
                case .record(let record): "\(name) record \(record.revision)"
                case .removal(let record): "\(name) removal \(record.revision)"
                case .event(let sequence, _): "\(name) event \(sequence)"
                }
            underWay[text] = publication
            return text
        }
    }

    mutating func end(_ text: String, _ outcome: Announcements.Outcome, at now: Milliseconds) {
        guard let publication = underWay.removeValue(forKey: text) else {
            Issue.record("\(text) is not on its way")
            return
        }
        announcements.ended(publication, outcome, at: now)
    }

    /// Lets everything leave that leaves, and acknowledges it.
    mutating func runAll(at now: Milliseconds) -> [String] { runAll(at: now, .acknowledged) }

    @discardableResult
    mutating func refuseAll(at now: Milliseconds) -> [String] { runAll(at: now, .refused(concernsTopic: true)) }

    private mutating func runAll(at now: Milliseconds, _ outcome: Announcements.Outcome) -> [String] {
        var all: [String] = []
        while true {
            let step = step(at: now)
            if step.isEmpty { return all }
            for publication in step { end(publication, outcome, at: now) }
            all += step
        }
    }
}
