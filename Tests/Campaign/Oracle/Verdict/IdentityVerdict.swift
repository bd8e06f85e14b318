/// Holds the identities in the journal against each other: an activation has one event and one entry, an event one
/// activation.
package enum IdentityVerdict {
    package static func findings(_ entries: [SeenTransition]) -> [Finding] {
        var findings: [Finding] = []
        var eventOfActivation: [String: SeenTransition] = [:]
        var activationOfEvent: [String: SeenTransition] = [:]
        for entry in entries where entry.transition == "ACT" {
            let activation = "\(entry.alarm) \(entry.sampledAt)"
            if let first = eventOfActivation[activation], first.eventID != entry.eventID {
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
