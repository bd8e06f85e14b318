import ZooKeeperProtocol

/// What the server counts of itself: for the four-letter words, the admin commands and the metrics.
///
/// Confined to the engine's thread; recording allocates nothing.
struct Statistics {
    var started = Now(instant: Instant(nanoseconds: 0), wallMilliseconds: 0)
    var received: UInt64 = 0
    var sent: UInt64 = 0
    var bytesReceived: UInt64 = 0
    var bytesSent: UInt64 = 0
    /// Batches stored, and the transactions in them.
    var batches: UInt64 = 0
    var records: UInt64 = 0
    var expired: UInt64 = 0
    /// Auth packets and SASL exchanges that proved nothing.
    var failedAuthentications: UInt64 = 0
    /// How often this process did not run for longer than a tick.
    var stalls: UInt64 = 0
    var sessionsCreated: UInt64 = 0
    var connectionsAccepted: UInt64 = 0
    var connectionsRefused: UInt64 = 0
    /// Connections that the server ended because of what came over them or because they took nothing.
    var connectionsDropped: UInt64 = 0
    /// Connections that were closed because no handshake came in time.
    var handshakesMissed: UInt64 = 0
    var oversizeRequests: UInt64 = 0
    /// How often reading from a connection was held back.
    var throttled: UInt64 = 0
    var quotaSoftExceeded: UInt64 = 0
    var quotaHardExceeded: UInt64 = 0
    var eventsSent: UInt64 = 0
    /// Whether replaying the log has led to another tree than the one that wrote it.
    var digestMismatches: UInt64 = 0
    /// When the first change of the open batch was made.
    var batchOpened = Instant(nanoseconds: 0)
    /// When the first change of the batch being stored was made.
    var batchTaken = Instant(nanoseconds: 0)
    /// When the batch being stored was given to the disk.
    var storeBegan = Instant(nanoseconds: 0)

    /// Microseconds until a request was answered that had to wait for the disk, and one that had not.
    var updateLatency = Histogram(bounds: Histogram.microseconds)
    var readLatency = Histogram(bounds: Histogram.microseconds)
    /// Microseconds that the disk took for a batch.
    var storeDuration = Histogram(bounds: Histogram.microseconds)
    /// Transactions in a batch.
    var batchSize = Histogram(bounds: Histogram.sizes)
    /// Connections that one event went to.
    var eventFanOut = Histogram(bounds: Histogram.sizes)
    /// Requests by the number of their operation; those outside 0…127 in the last place.
    private(set) var requests = [UInt64](repeating: 0, count: 129)
    /// What ZooKeeper keeps for its trace log; told back, otherwise without effect.
    var traceMask: Int64 = 306

    /// What `srst` set back to 0: the metrics go on counting, the words and commands count from here.
    private(set) var receivedBefore: UInt64 = 0
    private(set) var sentBefore: UInt64 = 0
    private(set) var latency = LatencySummary()

    mutating func noteRequest(_ type: Int32) {
        requests[(0..<128).contains(type) ? Int(type) : 128] &+= 1
    }

    /// Notes how long answers waited for the disk.
    mutating func noteUpdates(_ nanoseconds: Int64, answers: Int) {
        let microseconds = max(0, nanoseconds) / 1000
        updateLatency.record(microseconds, times: UInt64(clamping: answers))
        latency.note(milliseconds: microseconds / 1000, times: UInt64(clamping: answers))
    }

    /// Notes how long requests took that were answered at once.
    mutating func noteReads(_ nanoseconds: Int64, answers: Int) {
        let microseconds = max(0, nanoseconds) / 1000
        readLatency.record(microseconds, times: UInt64(clamping: answers))
        latency.note(milliseconds: microseconds / 1000, times: UInt64(clamping: answers))
    }

    mutating func noteStored(_ now: Instant) {
        storeDuration.record(max(0, now.nanoseconds &- storeBegan.nanoseconds) / 1000)
    }

    mutating func reset() {
        receivedBefore = received
        sentBefore = sent
        latency = LatencySummary()
    }
}

/// Least, mean and greatest latency in milliseconds.
struct LatencySummary {
    private(set) var minimum: Int64 = 0
    private(set) var maximum: Int64 = 0
    private(set) var last: Int64 = 0
    private var total: UInt64 = 0
    private var count: UInt64 = 0

    mutating func note(milliseconds: Int64, times: UInt64 = 1) {
        guard times > 0 else { return }
        minimum = count == 0 ? milliseconds : min(minimum, milliseconds)
        maximum = max(maximum, milliseconds)
        last = milliseconds
        total &+= UInt64(max(0, milliseconds)) &* times
        count &+= times
    }

    var average: Double { count == 0 ? 0 : Double(total) / Double(count) }
}
