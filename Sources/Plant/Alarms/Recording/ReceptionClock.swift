/// The clock of this gateway, by which samples are received and edges computed: how it has been set since the start.
struct ReceptionClock: Sendable {
    /// By how much, all in all.
    private(set) var leap: Milliseconds = 0
    /// The number of the leap by which it is away now; nil when it is not.
    private(set) var away: Int?
    /// What was received late.
    var backlog = Backlog()

    /// By how much it is behind where it would be.
    var setBack: Milliseconds { max(0, Milliseconds.zero.subtractingClamped(leap)) }

    mutating func leapt(by leap: Milliseconds, away: Int?) {
        self.leap = self.leap.addingClamped(leap)
        self.away = away
        backlog.clockLeapt(by: leap)
    }
}
