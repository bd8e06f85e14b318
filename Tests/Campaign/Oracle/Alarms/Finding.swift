/// One thing that is wrong with what stands in the journal about one alarm.
package struct Finding: Sendable, Hashable, CustomStringConvertible {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// Called for by the samples, and not recorded.
        case lost
        /// Recorded twice, or under two identities.
        case doubled
        /// Recorded with another date or for another sample.
        case misdated
        /// Recorded, though no sample calls for it.
        case invented
    }

    package let kind: Kind
    package let alarm: String
    package let text: String

    package init(_ kind: Kind, _ alarm: String, _ text: String) {
        self.kind = kind
        self.alarm = alarm
        self.text = text
    }

    package var description: String { "\(kind.rawValue) \(alarm): \(text)" }
}
