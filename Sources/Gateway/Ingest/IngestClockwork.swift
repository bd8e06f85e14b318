/// What the passing of time means to the ingest: pauses of the process, disagreement with the active processor, and when
/// the services that may wait are woken.
struct IngestClockwork {
    /// How often time alone is looked at: on- and off-delays, silence of devices.
    static let tick = Duration.milliseconds(50)
    /// A turn that comes later than this was held up by a pause of the process, or of the machine.
    static let pause = Duration.seconds(1)
    /// How often services are woken that may wait for something which says to nobody that it is back.
    static let wakeInterval = Duration.milliseconds(500)

    struct Turn: Equatable {
        /// How long the process was paused before this turn.
        var paused: Duration?
        /// Whether transitions that a live active processor has not recorded are given up.
        var dropsPending = false
        var wakesWaiting = false
    }

    private var last: ContinuousClock.Instant
    private var agreedSince: ContinuousClock.Instant
    private var lastWake: ContinuousClock.Instant

    init(now: ContinuousClock.Instant) {
        last = now
        agreedSince = now
        lastWake = now
    }

    /// - Parameters:
    ///   - isAgreed: Whether silence of the active processor means nothing: this gateway is it, or does not see the tree.
    ///   - hold: How long a transition is kept that a live active processor does not record.
    mutating func turn(at now: ContinuousClock.Instant, isAgreed: Bool, hold: Duration) -> Turn {
        var turn = Turn()
        if now - last > Self.pause {
            turn.paused = now - last
            agreedSince = now
        }
        last = now
        if isAgreed { agreedSince = now }
        turn.dropsPending = now - agreedSince > hold
        if now - lastWake >= Self.wakeInterval {
            lastWake = now
            turn.wakesWaiting = true
        }
        return turn
    }
}
