import Synchronization
public import ZooKeeperProtocol

/// What ended a one-shot watch.
public enum WatchTrigger: Hashable, Sendable {
    /// Something happened to the node.
    case event(WatchEvent)
    /// The session ended, and the watch with it: read again.
    case sessionExpired
    /// The client was closed.
    case closed
}

/// A one-shot watch, armed together with a read.
///
/// It survives reconnects: the client arms it again, and the server tells what happened meanwhile. Dropping the last
/// reference gives it up.
public final class Watch: Sendable {
    let slot: WatchSlot
    private let chroot: Chroot
    private let core: ClientCore

    init(slot: WatchSlot, chroot: Chroot, core: ClientCore) {
        self.slot = slot
        self.chroot = chroot
        self.core = core
    }

    deinit {
        // Before: the answer that arms it may be on its way.
        slot.abandon()
        core.forget(slot)
    }

    /// What ended the watch, as soon as it is known; `nil` while it is armed. Set before any later answer of the server
    /// reaches its caller, and before the lease is renewed by such an answer.
    public var trigger: WatchTrigger? { slot.trigger.map(relative) }

    /// Whether the watch has ended.
    public var hasFired: Bool { slot.trigger != nil }

    /// Waits until one of several watches ends.
    ///
    /// - Returns: What ended it.
    /// - Throws: `CancellationError` when the task is cancelled; the watches stay armed.
    package static func next(of watches: [Watch]) async throws -> WatchTrigger {
        let first = FirstTrigger()
        let waiters = watches.map { watch in
            watch.slot.whenFired { first.settle(.success(watch.relative($0))) }
        }
        defer {
            for (watch, waiter) in zip(watches, waiters) { watch.slot.forget(waiter) }
        }
        return try await first.value()
    }

    /// Has `action` called once when the watch ends, or at once when it has; on whatever thread ends it: it must be brief.
    ///
    /// - Returns: What ``forgetAction(_:)`` takes.
    package func whenFired(_ action: @escaping @Sendable () -> Void) -> UInt64 {
        slot.whenFired { _ in action() }
    }

    /// An action need not be called any more. It may be, when the watch ends at this moment.
    package func forgetAction(_ action: UInt64) { slot.forget(action) }

    /// Waits until the watch ends; afterwards returns the same at once. Any number of tasks may wait.
    ///
    /// - Throws: `CancellationError` when the task is cancelled; the watch stays armed.
    public func next() async throws -> WatchTrigger {
        relative(try await slot.next())
    }

    private func relative(_ trigger: WatchTrigger) -> WatchTrigger {
        guard case .event(var event) = trigger else { return trigger }
        event.path = chroot.relative(event.path)
        return .event(event)
    }
}

/// The part of a one-shot watch that the client's registry keeps.
final class WatchSlot: Sendable {
    private struct State {
        var trigger: WatchTrigger?
        var isRequested = false
        var isAbandoned = false
        var waiting: [UInt64: CheckedContinuation<WatchTrigger, any Error>] = [:]
        var actions: [UInt64: @Sendable (WatchTrigger) -> Void] = [:]
        var nextWaiter: UInt64 = 0
        var cancelled: Set<UInt64> = []
    }

    /// The path as the server knows it.
    let path: String
    private let state = Mutex(State())

    init(path: String) {
        self.path = path
    }

    var trigger: WatchTrigger? { state.withLock { $0.trigger } }

    /// Whether a request that arms it was made: only then does the registry know it, or may come to know it.
    var isRequested: Bool { state.withLock { $0.isRequested } }

    /// Whether nobody can learn of its end any more.
    var isAbandoned: Bool { state.withLock { $0.isAbandoned } }

    func abandon() { state.withLock { $0.isAbandoned = true } }

    func noteRequested() { state.withLock { $0.isRequested = true } }

    /// Ends the watch. Only the first trigger counts.
    func fire(_ trigger: WatchTrigger) {
        let told = state.withLock { state -> State? in
            guard state.trigger == nil else { return nil }
            let told = state
            state.trigger = trigger
            state.waiting = [:]
            state.actions = [:]
            return told
        }
        guard let told else { return }
        for continuation in told.waiting.values { continuation.resume(returning: trigger) }
        for action in told.actions.values { action(trigger) }
    }

    /// Has `action` called once with the trigger, at once when it is known.
    func whenFired(_ action: @escaping @Sendable (WatchTrigger) -> Void) -> UInt64 {
        let (waiter, trigger) = state.withLock { state in
            state.nextWaiter &+= 1
            if state.trigger == nil { state.actions[state.nextWaiter] = action }
            return (state.nextWaiter, state.trigger)
        }
        if let trigger { action(trigger) }
        return waiter
    }

    func forget(_ action: UInt64) {
        let gone = state.withLock { $0.actions.removeValue(forKey: action) }
        // Released here and not under the lock.
        _ = gone
    }

    func next() async throws -> WatchTrigger {
        let waiter = state.withLock { state in
            state.nextWaiter &+= 1
            return state.nextWaiter
        }
        defer { _ = state.withLock { $0.cancelled.remove(waiter) } }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let settled: Result<WatchTrigger, any Error>? = state.withLock { state in
                    if let trigger = state.trigger { return .success(trigger) }
                    if state.cancelled.remove(waiter) != nil { return .failure(CancellationError()) }
                    state.waiting[waiter] = continuation
                    return nil
                }
                if let settled { continuation.resume(with: settled) }
            }
        } onCancel: {
            let continuation = state.withLock { state -> CheckedContinuation<WatchTrigger, any Error>? in
                if let continuation = state.waiting.removeValue(forKey: waiter) { return continuation }
                // Cancelled before it waited (or after it was resumed, when nobody looks at the mark any more).
                if state.trigger == nil { state.cancelled.insert(waiter) }
                return nil
            }
            continuation?.resume(throwing: CancellationError())
        }
    }
}
