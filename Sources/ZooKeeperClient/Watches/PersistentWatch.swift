import DequeModule
import Synchronization
public import ZooKeeperProtocol

/// One element of a ``PersistentWatch``.
public enum WatchElement: Hashable, Sendable {
    /// Something happened below the watched path.
    case event(WatchEvent)
    /// Events may have been missed (the connection was lost, or too many were waiting): read again.
    case gap
}

/// A watch that stays: it survives reconnects and new sessions, and says by ``WatchElement/gap`` where events may be
/// missing.
///
/// For one consumer at a time. When more than the configured number of elements wait, they are replaced by one gap.
/// Iteration ends after ``cancel()``; it throws ``ZooKeeperError`` with `clientClosed` when the client ends, and
/// `CancellationError` when the consuming task is cancelled.
public final class PersistentWatch: AsyncSequence, Sendable {
    public typealias Element = WatchElement

    let buffer: PersistentWatchBuffer
    private let chroot: Chroot
    private let core: ClientCore

    init(buffer: PersistentWatchBuffer, chroot: Chroot, core: ClientCore) {
        self.buffer = buffer
        self.chroot = chroot
        self.core = core
    }

    deinit {
        cancel()
    }

    /// Gives the watch up and ends the iteration. May be called more than once.
    public func cancel() {
        if buffer.finish(nil) { core.forget(buffer) }
    }

    /// The next element, or `nil` when the watch was given up.
    public func next() async throws -> WatchElement? {
        guard let element = try await buffer.next() else { return nil }
        guard case .event(var event) = element else { return element }
        event.path = chroot.relative(event.path)
        return .event(event)
    }

    /// Iterates over the elements.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let watch: PersistentWatch

        public mutating func next() async throws -> WatchElement? {
            try await watch.next()
        }
    }

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(watch: self)
    }
}

/// The part of a persistent watch that the client's registry keeps: elements that wait for the consumer.
final class PersistentWatchBuffer: Sendable {
    private struct State {
        var elements: Deque<WatchElement> = []
        var consumer: (id: UInt64, continuation: CheckedContinuation<WatchElement?, any Error>)?
        var nextConsumer: UInt64 = 0
        var cancelled: Set<UInt64> = []
        var end: Result<WatchElement?, any Error>?
    }

    /// The path as the server knows it.
    let path: String
    private let state = Mutex(State())
    private let limit: Int

    /// - Parameter limit: How many elements may wait.
    init(path: String, limit: Int) {
        self.path = path
        self.limit = max(1, limit)
    }

    func append(_ element: WatchElement) {
        let consumer = state.withLock { state -> CheckedContinuation<WatchElement?, any Error>? in
            guard state.end == nil else { return nil }
            if let consumer = state.consumer {
                state.consumer = nil
                return consumer.continuation
            }
            if element == .gap || state.elements.count >= limit {
                // Whoever reads again sees everything that waited, too.
                state.elements = [.gap]
            } else {
                state.elements.append(element)
            }
            return nil
        }
        consumer?.resume(returning: element)
    }

    /// Ends the sequence: with an error, or quietly.
    ///
    /// - Returns: False when it had ended before.
    @discardableResult
    func finish(_ error: (any Error)?) -> Bool {
        let end: Result<WatchElement?, any Error> = error.map { .failure($0) } ?? .success(nil)
        let (consumer, first) = state.withLock { state -> (CheckedContinuation<WatchElement?, any Error>?, Bool) in
            guard state.end == nil else { return (nil, false) }
            state.end = end
            defer { state.consumer = nil }
            return (state.consumer?.continuation, true)
        }
        consumer?.resume(with: end)
        return first
    }

    func next() async throws -> WatchElement? {
        let id = state.withLock { state in
            state.nextConsumer &+= 1
            return state.nextConsumer
        }
        defer { _ = state.withLock { $0.cancelled.remove(id) } }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let settled: Result<WatchElement?, any Error>? = state.withLock { state in
                    if state.cancelled.remove(id) != nil { return .failure(CancellationError()) }
                    if let element = state.elements.popFirst() { return .success(element) }
                    if let end = state.end { return end }
                    if state.consumer != nil {
                        return .failure(
                            ZooKeeperError(
                                code: .badArguments, message: "a persistent watch is for one consumer at a time"))
                    }
                    state.consumer = (id, continuation)
                    return nil
                }
                if let settled { continuation.resume(with: settled) }
            }
        } onCancel: {
            let consumer = state.withLock { state -> CheckedContinuation<WatchElement?, any Error>? in
                if let consumer = state.consumer, consumer.id == id {
                    state.consumer = nil
                    return consumer.continuation
                }
                if state.end == nil { state.cancelled.insert(id) }
                return nil
            }
            consumer?.resume(throwing: CancellationError())
        }
    }
}
