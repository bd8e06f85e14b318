/// What the guarantees say about a sample's own time, as far as it changes what a journal must hold.
package enum ClockRule {
    /// Of the campaign's routes, in seconds.
    package static let staleAfter: Int64 = 600
    /// What is older on arrival is history: max(`staleAfter`, 30 s).
    package static let historyAge = max(staleAfter * 1_000, 30_000)
    /// What comes later after its own time may contradict the sensor's clock.
    static let tolerance: Int64 = 2_000
    /// So many samples in a row that are not late end the doubt.
    static let confirmations = 3

    /// The first of the samples at the end of a topic's story that may have left its clock in doubt: their tag may be
    /// `uncertain`, and nothing needs to have returned to normal. nil when none may.
    package static func undecided(_ samples: [Sample]) -> Int? {
        var start: Int?
        var agreeing = 0
        for (index, sample) in samples.enumerated() {
            if sample.acknowledgedAt - sample.time > tolerance {
                if start == nil { start = index }
                agreeing = 0
            } else if start != nil {
                agreeing += 1
                if agreeing == confirmations { start = nil }
            }
        }
        return start
    }
}
