/// When to try again.
///
/// Two counts decide: attempts that failed since the broker last accepted us, and accepted connections in a row that were
/// brief. The wait doubles with each failed attempt, and with each brief connection beyond those that
/// ``MQTTBackoff/briefConnections`` allows.
struct ReconnectSchedule {
    let backoff: MQTTBackoff
    private var failures = 0
    private var briefConnections = 0

    init(_ backoff: MQTTBackoff) { self.backoff = backoff }

    /// How long to wait after the connection ended for `reason`, having lasted `connectedFor` (nil: it was never made).
    ///
    /// - Parameter random: 0..<1; comes in so that a test can say it.
    mutating func delay(
        after reason: MQTTDisconnection, connectedFor: Duration?, random: Double
    ) -> Duration {
        if let connectedFor {
            failures = 0
            briefConnections = connectedFor < backoff.briefly ? briefConnections + 1 : 0
        }
        let base: Duration
        if reason.needsAttention {
            base = backoff.afterRefusal
        } else {
            let doublings = min(failures + max(0, briefConnections - backoff.briefConnections), 30)
            base = min(backoff.initial * (1 << doublings), backoff.maximum)
            if connectedFor == nil { failures += 1 }
        }
        let jitter = min(max(backoff.jitter, 0), 1)
        return base * (1 - jitter * random)
    }

    /// Somebody wants the connection now: waits begin with the shortest one.
    mutating func startOver() {
        failures = 0
        briefConnections = 0
    }
}
