import PlantClient

/// What the services of a gateway ask for the time; a test gives them one that it advances itself.
///
/// Two clocks, because they answer different questions: the wall clock dates what others read, and can be set; the
/// monotonic clock measures how long something took, and cannot.
package struct GatewayClock: Sendable {
    /// Milliseconds since 1970 UTC.
    package let wall: @Sendable () -> Int64
    /// The monotonic clock, by which leases and waits are measured.
    package let now: @Sendable () -> ContinuousClock.Instant
    /// Whether the wall clock has been set; shared by all copies of this clock.
    let watch: ClockWatch
    /// Returns after that time; throws `CancellationError` when its task is cancelled before.
    package let sleep: @Sendable (Duration) async throws -> Void

    package init(
        wall: @escaping @Sendable () -> Int64, now: @escaping @Sendable () -> ContinuousClock.Instant,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.wall = wall
        self.now = now
        self.sleep = sleep
        watch = ClockWatch(wall: wall, now: now)
    }

    /// The wall clock, and whether it can be trusted: for what is decided by it.
    func look() -> ClockLeaps.Sight { watch.look() }

    /// This machine's clocks.
    package static let system = GatewayClock(
        wall: { WallClock.now() }, now: { ContinuousClock.now }, sleep: { try await Task.sleep(for: $0) })
}
