import ZooKeeperClient

/// The monotonic clock by which a client of the plant waits; a test gives it one that it advances itself.
package struct WaitingClock: Sendable {
    package let now: @Sendable () -> ContinuousClock.Instant
    /// Returns after that time; throws `CancellationError` when its task is cancelled before.
    package let sleep: @Sendable (Duration) async throws -> Void

    package init(
        now: @escaping @Sendable () -> ContinuousClock.Instant,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.now = now
        self.sleep = sleep
    }

    /// This machine's clock.
    package static let system = WaitingClock(
        now: { ContinuousClock.now }, sleep: { try await Task.sleep(for: $0) })

    /// Waits until the watch fires or `deadline` has passed, whichever comes first.
    ///
    /// - Returns: Whether it was the watch.
    func wait(for watch: Watch, until deadline: ContinuousClock.Instant) async throws -> Bool {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                _ = try await watch.next()
                return true
            }
            group.addTask {
                try await sleep(deadline - now())
                return false
            }
            defer { group.cancelAll() }
            return try await group.next() ?? false
        }
    }
}
