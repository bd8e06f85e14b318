import Plant
import Synchronization

/// The one place that knows whether this machine's wall clock has been set, and whether it is in doubt.
///
/// Every reading of the wall clock that something is decided by is a look: so a leap is seen before the decision, not when
/// somebody next watches the clock.
final class ClockWatch: Sendable {
    /// A longer time between the readings of the two clocks was a pause of the process, and would look like a leap.
    private static let longestLook = Duration.milliseconds(100)
    private static let attempts = 5

    private let wall: @Sendable () -> Int64
    private let now: @Sendable () -> ContinuousClock.Instant
    private let leaps: Mutex<ClockLeaps>

    init(wall: @escaping @Sendable () -> Int64, now: @escaping @Sendable () -> ContinuousClock.Instant) {
        self.wall = wall
        self.now = now
        let (shown, at) = Self.read(wall, now)
        leaps = Mutex(ClockLeaps(wall: shown, now: at))
    }

    func look() -> ClockLeaps.Sight {
        // Read under the lock, so that no look is older than the one before it.
        leaps.withLock { leaps in
            let (wall, now) = Self.read(wall, now)
            return leaps.look(wall: wall, now: now)
        }
    }

    /// The process has found this newest entry in the journal; nil: none.
    func started(after newest: Milliseconds?) {
        guard let newest else { return }
        _ = look()
        leaps.withLock { $0.started(after: newest) }
    }

    /// Both clocks at one moment.
    private static func read(
        _ wall: () -> Int64, _ now: () -> ContinuousClock.Instant
    ) -> (wall: Milliseconds, now: ContinuousClock.Instant) {
        var before = now()
        var shown = wall()
        var after = now()
        for _ in 1..<attempts where after - before > longestLook {
            before = now()
            shown = wall()
            after = now()
        }
        return (shown, after)
    }
}
