/// Holds what an MQTT subscriber of its own heard against the journal.
package struct AnnouncementVerdict: Sendable {
    /// Recorded, and not heard.
    package private(set) var unheard: [SeenTransition] = []
    /// Heard, and recorded nowhere.
    package private(set) var unrecorded: [SeenTransition] = []
    /// Alarms whose retained message is not their last record.
    package private(set) var staleRetained: [String] = []

    /// - Parameters:
    ///   - events: heard on `alarm-events`.
    ///   - retained: the newest retained record of each alarm.
    ///   - mayBeUnheard: entries recorded while the subscriber itself could not hear.
    package init(
        journal: [SeenTransition], events: [SeenTransition], retained: [String: SeenTransition],
        mayBeUnheard: (SeenTransition) -> Bool
    ) {
        let heard = Set(events.map(\.key))
        unheard = journal.filter { !$0.isCorrection && !heard.contains($0.key) && !mayBeUnheard($0) }
        let recorded = Set(journal.map(\.key))
        unrecorded = events.filter { !recorded.contains($0.key) }
        let last = Dictionary(journal.map { ($0.alarm, $0) }, uniquingKeysWith: { $1 })
        for (alarm, entry) in last.sorted(by: { $0.key < $1.key }) {
            guard let message = retained[alarm] else {
                staleRetained.append("\(alarm): nothing is retained, must be \(entry)")
                continue
            }
            if message.eventID != entry.eventID || message.condition != entry.condition || message.at != entry.at {
                staleRetained.append("\(alarm): retained is \(message), must be \(entry)")
            }
        }
    }

    package var isSound: Bool { unheard.isEmpty && unrecorded.isEmpty && staleRetained.isEmpty }

    /// As many of its complaints as a person reads.
    package var complaints: [String] {
        unheard.prefix(5).map { "unheard: \($0.alarm) \($0)" }
            + unrecorded.prefix(5).map { "heard but not recorded: \($0.alarm) \($0)" }
            + staleRetained.prefix(5).map { "retained: \($0)" }
    }
}
