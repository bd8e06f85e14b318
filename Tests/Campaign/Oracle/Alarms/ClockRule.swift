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

    /// So many samples at another offset, over so long a time on both clocks, make it the right one.
    private static let rebase = (samples: 3, span: Int64(5_000))
    /// How constant another offset has to be.
    private static let constancy: Int64 = 1_000

    /// The first of the samples at the end of a topic's story that may have left its clock in doubt: their tag may be
    /// `uncertain`, and nothing needs to have returned to normal. nil when none may.
    ///
    /// - Parameter clockChanges: Whether the sensor's clock was changed, and not only its messages late.
    package static func undecided(_ samples: [Sample], clockChanges: Bool = false) -> Int? {
        var start: Int?
        var settled: Int64 = 0
        var agreeing = 0
        var others: [Sample] = []
        for (index, sample) in samples.enumerated() {
            let offset = sample.acknowledgedAt - sample.time
            if clockChanges ? abs(offset - settled) <= tolerance : offset <= tolerance {
                others = []
                guard start != nil else { continue }
                agreeing += 1
                if agreeing == confirmations { start = nil }
                continue
            }
            if start == nil { start = index }
            agreeing = 0
            guard clockChanges else { continue }
            if let first = others.first, abs(offset - (first.acknowledgedAt - first.time)) > constancy { others = [] }
            if others.last?.time != sample.time { others.append(sample) }
            if let first = others.first, others.count >= rebase.samples, sample.time - first.time >= rebase.span,
                sample.acknowledgedAt - first.acknowledgedAt >= rebase.span
            {
                settled = offset
                start = nil
                others = []
            }
        }
        return start
    }
}
