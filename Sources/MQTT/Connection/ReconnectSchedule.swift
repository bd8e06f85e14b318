/// When to try again.
struct ReconnectSchedule {
    let backoff: MQTTBackoff
    private var failures = 0

    init(_ backoff: MQTTBackoff) { self.backoff = backoff }

    /// How long to wait after the connection ended for `reason`, having lasted `connectedFor` (nil: it was never made).
    ///
    /// - Parameter random: 0..<1; comes in so that a test can say it.
    mutating func delay(
        after reason: MQTTDisconnection, connectedFor: Duration?, random: Double
    ) -> Duration {
        if let connectedFor, connectedFor >= backoff.resetAfter { failures = 0 }
        var base = backoff.maximum
        if !reason.needsAttention {
            let doublings = min(failures, 30)
            base = min(backoff.initial * (1 << doublings), backoff.maximum)
            failures += 1
        }
        let jitter = min(max(backoff.jitter, 0), 1)
        return base * (1 - jitter * random)
    }
}
