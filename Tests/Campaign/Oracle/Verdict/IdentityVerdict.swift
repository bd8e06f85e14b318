/// Holds the identities in the journal against each other: an activation has one event and one entry, an event one
/// activation.
package enum IdentityVerdict {
    /// - Parameter isAmbiguous: whether several samples of an alarm's tag had that time, so that each may have activated it.
    package static func findings(
        _ entries: [SeenTransition], isAmbiguous: (_ alarm: String, _ time: Int64) -> Bool = { _, _ in false }
    ) -> [Finding] {
        var findings: [Finding] = []
        var eventOfActivation: [String: SeenTransition] = [:]
        var activationOfEvent: [String: SeenTransition] = [:]
        for entry in entries where entry.transition == "ACT" {
            let activation = "\(entry.alarm) \(entry.sampledAt)"
            if let first = eventOfActivation[activation], first.eventID != entry.eventID,
                !isAmbiguous(entry.alarm, entry.sampledAt)
            {
                findings.append(Finding(.doubled, entry.alarm, "\(first) and \(entry) for one sample"))
            }
            if let first = activationOfEvent[entry.eventID], first.sampledAt != entry.sampledAt {
                findings.append(Finding(.doubled, entry.alarm, "\(first) and \(entry) under one identity"))
            }
            eventOfActivation[activation] = entry
            activationOfEvent[entry.eventID] = entry
        }
        return findings
    }
}
