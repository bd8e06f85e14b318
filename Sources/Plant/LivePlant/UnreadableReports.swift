/// Which messages that cannot be read are named in the log, so that every mistake is found there and none fills it.
///
/// Those of one topic once in ``again``, or in ``soon`` when something else is wrong with it; of all topics together a few at
/// once, and then one in ``soon``. The others are counted.
struct UnreadableReports: Sendable {
    /// Before the same is said of a topic again.
    static let again: Milliseconds = 600_000
    /// Before something else is said of a topic, and between two reports once the burst is used up.
    static let soon: Milliseconds = 10_000
    /// Reports that may follow one another at once.
    static let burst = 10
    /// Topics that are remembered.
    static let capacity = 256

    private struct Report: Sendable {
        let failure: DecodeFailure
        let at: Milliseconds
    }

    private var reports: [Int: Report] = [:]
    private var left = Self.burst
    /// When the last one of the burst was earned.
    private var earned: Milliseconds = 0

    /// Whether a failure is to be reported. Asking counts as reporting it.
    ///
    /// - Parameter topic: its number; those without one are one topic.
    mutating func take(_ failure: DecodeFailure, on topic: Int, at now: Milliseconds) -> Bool {
        if let report = reports[topic], now - report.at < (report.failure == failure ? Self.again : Self.soon) {
            return false
        }
        if left == Self.burst { earned = now }
        let count = (now - earned) / Self.soon
        if count > 0 {
            left = Int(min(Int64(Self.burst), Int64(left) + count))
            earned = now
        }
        guard left > 0 else { return false }
        left -= 1
        if reports.count >= Self.capacity, let oldest = reports.min(by: { $0.value.at < $1.value.at }) {
            reports[oldest.key] = nil
        }
        reports[topic] = Report(failure: failure, at: now)
        return true
    }

    /// The clock has been set.
    mutating func clockLeapt(by leap: Milliseconds) {
        earned = earned.addingClamped(leap)
        reports = reports.mapValues { Report(failure: $0.failure, at: $0.at.addingClamped(leap)) }
    }
}
