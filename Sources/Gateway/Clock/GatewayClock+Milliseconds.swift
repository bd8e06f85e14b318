import Plant

extension GatewayClock {
    private static let origin = ContinuousClock.now

    /// The monotonic clock in the unit of the machines in `Plant`; its zero means nothing.
    var milliseconds: Milliseconds {
        let (seconds, attoseconds) = (now() - Self.origin).components
        return seconds &* 1000 &+ attoseconds / 1_000_000_000_000_000
    }
}
