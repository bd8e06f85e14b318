/// A change of an alarm's condition that samples call for.
package struct Edge: Sendable, Hashable, CustomStringConvertible {
    package let from: String
    package let to: String
    /// Start of the run plus the delay, and later than the edge before it.
    package let at: Int64
    /// Time of the sample that began the run.
    package let sampledAt: Int64
    package let tolerance: Int64

    /// The word that stands in the journal for it.
    package var transition: String {
        if to == "normal" { return "RTN" }
        if from == "normal" { return "ACT" }
        return to.count > from.count ? "ESC" : "DEESC"
    }

    package var description: String { "\(transition) \(to) at \(at) by the sample of \(sampledAt)" }
}

/// A transition as somebody read or heard it.
package struct SeenTransition: Sendable, Hashable, CustomStringConvertible {
    /// Its place in the journal.
    package let sequence: Int64
    /// `<tag>/<alarm>`.
    package let alarm: String
    package let transition: String
    package let condition: String
    package let eventID: String
    package let occurrence: Int64
    package let revision: Int64
    package let at: Int64
    package let sampledAt: Int64

    /// Whether it only puts dates right that were taken from a clock that was wrong: no transition, and no event.
    package var isCorrection: Bool { transition == "CORRECTED" }

    /// Whether it is about a gateway itself, not about a sensor.
    package var isOfGateway: Bool { alarm.hasPrefix("linekeeper/") }

    package init(
        sequence: Int64, alarm: String, transition: String, condition: String, eventID: String, occurrence: Int64,
        revision: Int64, at: Int64, sampledAt: Int64
    ) {
        self.sequence = sequence
        self.alarm = alarm
        self.transition = transition
        self.condition = condition
        self.eventID = eventID
        self.occurrence = occurrence
        self.revision = revision
        self.at = at
        self.sampledAt = sampledAt
    }

    /// What a receiver drops a repetition by.
    package var key: String { "\(alarm) \(eventID) \(transition) \(at)" }

    package var description: String {
        "\(transition) \(condition) at \(at) by the sample of \(sampledAt), event \(eventID.prefix(8)), entry \(sequence)"
    }

    func isSameStep(as edge: Edge) -> Bool { transition == edge.transition && condition == edge.to }

    func isDated(as edge: Edge) -> Bool {
        abs(at - edge.at) <= edge.tolerance && abs(sampledAt - edge.sampledAt) <= edge.tolerance
    }
}
