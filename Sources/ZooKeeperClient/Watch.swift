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
        core.forget(slot)
    }

    /// What ended the watch, as soon as it is known; `nil` while it is armed. Set before any later answer of the server
    /// reaches its caller, and before the lease is renewed by such an answer.
    public var trigger: WatchTrigger? { slot.trigger.map(relative) }

    /// Whether the watch has ended.
    public var hasFired: Bool { slot.trigger != nil }

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
        var waiting: [UInt64: CheckedContinuation<WatchTrigger, any Error>] = [:]
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

    /// Ends the watch. Only the first trigger counts.
    func fire(_ trigger: WatchTrigger) {
        let waiting = state.withLock { state -> [CheckedContinuation<WatchTrigger, any Error>] in
            guard state.trigger == nil else { return [] }
            state.trigger = trigger
            defer { state.waiting.removeAll() }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.resume(returning: trigger) }
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
