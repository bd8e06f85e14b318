import Synchronization

/// A clock that stands still until a test advances it. The wall clock and the monotonic one move together, unless the
/// test sets the wall clock.
public final class FakeClock: Sendable {
    private struct Sleeper {
        let wakeAt: Duration
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var passed = Duration.zero
        var wall: Int64
        var sleepers: [Int: Sleeper] = [:]
        var lastSleeper = 0
        var cancelled: Set<Int> = []
    }

    private let start = ContinuousClock.now
    private let state: Mutex<State>

    /// - Parameter wall: where the wall clock stands, milliseconds since 1970 UTC.
    public init(wall: Int64 = 1_767_225_600_000) { state = Mutex(State(wall: wall)) }

    public var wall: Int64 { state.withLock { $0.wall } }
    public var now: ContinuousClock.Instant { start + state.withLock { $0.passed } }

    /// How many tasks wait for this clock.
    public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    /// Lets time pass, and wakes the tasks whose time has come.
    public func advance(by time: Duration) {
        let due = state.withLock { state in
            state.passed += time
            state.wall += Int64(time / .milliseconds(1))
            let due = state.sleepers.filter { $0.value.wakeAt <= state.passed }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.sorted { $0.wakeAt < $1.wakeAt }
        }
        for sleeper in due { sleeper.continuation.resume() }
    }

    /// Sets the wall clock alone, as a person or a time server may.
    public func setWall(_ wall: Int64) { state.withLock { $0.wall = wall } }

    /// Returns once the clock has been advanced by that time.
    public func sleep(for time: Duration) async throws {
        let id = state.withLock { state in
            state.lastSleeper += 1
            return state.lastSleeper
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                enum Next { case sleep, wake, cancel }
                let next = state.withLock { state -> Next in
                    if state.cancelled.remove(id) != nil { return .cancel }
                    if time <= .zero { return .wake }
                    state.sleepers[id] = Sleeper(wakeAt: state.passed + time, continuation: continuation)
                    return .sleep
                }
                switch next {
                case .sleep: break
                case .wake: continuation.resume()
                case .cancel: continuation.resume(throwing: CancellationError())
                }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                if let sleeper = state.sleepers.removeValue(forKey: id) { return Optional(sleeper) }
                state.cancelled.insert(id)
                return nil
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }
}
