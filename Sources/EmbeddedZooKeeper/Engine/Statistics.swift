/// What the four-letter words report.
struct Statistics {
    var started = Now(instant: Instant(nanoseconds: 0), wallMilliseconds: 0)
    var received: UInt64 = 0
    var sent: UInt64 = 0
    /// Batches stored, and the transactions in them.
    var batches: UInt64 = 0
    var records: UInt64 = 0
    var expired: UInt64 = 0
    /// Auth packets and SASL exchanges that proved nothing.
    var failedAuthentications: UInt64 = 0
    /// How often this process did not run for longer than a tick.
    var stalls: UInt64 = 0
    /// When the first change of the open batch was made.
    var batchOpened = Instant(nanoseconds: 0)
    /// When the first change of the batch being stored was made.
    var batchTaken = Instant(nanoseconds: 0)

    private var answers: UInt64 = 0
    private var totalNanoseconds: UInt64 = 0
    private(set) var minimumLatencyMilliseconds: Int64 = 0
    private(set) var maximumLatencyMilliseconds: Int64 = 0

    /// Notes how long answers waited for the disk; answers that did not wait count as 0.
    mutating func noteLatency(_ now: Instant, answers count: Int) {
        let waited = max(0, now.nanoseconds &- batchTaken.nanoseconds)
        answers &+= UInt64(count)
        totalNanoseconds &+= UInt64(waited) &* UInt64(count)
        maximumLatencyMilliseconds = max(maximumLatencyMilliseconds, waited / 1_000_000)
    }

    var averageLatencyMilliseconds: Double {
        sent == 0 ? 0 : Double(totalNanoseconds) / 1_000_000 / Double(sent)
    }
}
