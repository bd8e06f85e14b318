public import Logging
import NIOCore
import NIOPosix
public import ServiceLifecycle
import Synchronization
import ZooKeeperProtocol

/// A ZooKeeper client: one session at a time, kept over any number of connections, renewed by itself when it expires.
///
/// ``run()`` keeps the connection; everything else may be called from any task, before and while it runs. Requests are
/// pipelined: nobody waits for another's answer, and what many tasks ask for within a tick of the event loop leaves in
/// one write. Every call has a deadline (``Configuration/requestTimeout``) and ends at once when its task is cancelled.
///
/// What a call throws:
/// - an error of the server (`noNode`, `badVersion`, …): it was not carried out;
/// - `connectionLoss`, `operationTimeout`, or `CancellationError`: the outcome is unknown, unless the request had not
///   left yet (requests that wait for a connection stay queued until their deadline);
/// - `sessionExpired`: the session was over; the client opens a new one by itself;
/// - `tooManyRequests`, `requestTooLarge`, `clientClosed`: it was not sent.
public final class ZooKeeperClient: Service, Sendable {
    let core: ClientCore
    let chroot: Chroot

    /// Makes a client; ``run()`` connects it.
    public convenience init(configuration: Configuration, logger: Logger) {
        let core = ClientCore(
            configuration: configuration, eventLoop: MultiThreadedEventLoopGroup.singleton.next(), logger: logger)
        self.init(core: core, chroot: Chroot(configuration.chroot))
    }

    init(core: ClientCore, chroot: Chroot) {
        self.core = core
        self.chroot = chroot
    }

    /// A view of the same session whose root is `path` of the server's tree. Cheap.
    public func rooted(at path: String) -> ZooKeeperClient {
        ZooKeeperClient(core: core, chroot: Chroot(path))
    }

    /// A view of the same session on the whole tree. Cheap.
    public func unrooted() -> ZooKeeperClient { rooted(at: "/") }

    /// Keeps the client connected until its task is cancelled or a graceful shutdown begins; then closes the session,
    /// so that its ephemeral nodes go at once (unless ``Configuration/keepsSessionAtEnd`` says otherwise), and fails
    /// everything that is pending.
    ///
    /// May be called once, on one view of a client.
    ///
    /// - Throws: ``ZooKeeperError`` when the servers refuse this client for good (`authFailed`), or when its TLS
    ///   configuration is of no use from the start (`tlsFailed`: a file is missing or no certificate).
    public func run() async throws {
        let isFirst = core.state.withLock { state in
            defer { state.hasRun = true }
            return !state.hasRun
        }
        guard isFirst else { throw ZooKeeperError(code: .badArguments, message: "the client is running or has run") }
        let core = core
        try await withTaskCancellationOrGracefulShutdownHandler {
            try await core.run()
        } onCancelOrGracefulShutdown: {
            core.requestEnd()
        }
    }

    // MARK: State

    /// How the client stands with the servers now.
    public var state: ConnectionState { core.connectionState.value }

    /// Whether there is a connection with a session now.
    public var isConnected: Bool {
        if case .connected = state { true } else { false }
    }

    /// The current session, connected or suspended.
    public var session: SessionInfo? { core.session }

    /// Why the last connection or attempt ended.
    public var lastFailure: ConnectionFailure? { core.state.withLock { $0.lastFailure } }

    /// With what another client can take up this session after this one is gone (``Configuration/resume``); `Codable`,
    /// to be kept in a file that only its owner can read. Still there after the end, when the session was kept.
    public var credentials: SessionCredentials? {
        core.state.withLock { state in
            state.machine.session.map {
                SessionCredentials(id: $0.id, password: $0.password, lastZxid: state.machine.lastZxid)
            }
        }
    }

    /// The current state and then each change, `expired` included. A follower that lags loses the oldest of 64.
    public func stateUpdates() -> AsyncStream<ConnectionState> { core.connectionState.updates() }

    /// Waits until there is a connection with a session.
    ///
    /// - Throws: ``ZooKeeperError`` with `connectionLoss` or `tlsFailed` after `timeout`, with `clientClosed` or
    ///   `authFailed` when the client has ended.
    @discardableResult
    public func waitUntilConnected(timeout: Duration? = nil) async throws -> SessionInfo {
        if case .connected(let session) = state { return session }
        return try await withThrowingTaskGroup(of: SessionInfo.self) { group in
            group.addTask {
                for await state in self.stateUpdates() {
                    switch state {
                    case .connected(let session): return session
                    case .closed: throw self.core.endError
                    case .connecting, .suspended, .expired: continue
                    }
                }
                try Task.checkCancellation()
                throw self.core.endError
            }
            if let timeout {
                group.addTask {
                    try await Task.sleep(for: timeout)
                    let servers = self.core.configuration.servers.map(\.description).joined(separator: ",")
                    let failure = self.lastFailure
                    throw ZooKeeperError(
                        code: failure?.kind == .tls ? .tlsFailed : .connectionLoss,
                        message: "no session at \(servers) within \(timeout)"
                            + (failure.map { "; last: \($0)" } ?? ""))
                }
            }
            defer { group.cancelAll() }
            guard let session = try await group.next() else { throw CancellationError() }
            return session
        }
    }

    // MARK: Lease

    /// Until when this client can rely on its session, by the step-down rule (``LeaseRule``): computed from the send
    /// time of the last answer that proves it; nil when there is no session or nothing proves it yet.
    ///
    /// After a reconnect it is not renewed before the watches are armed again and what they missed is delivered.
    public var leaseDeadline: ContinuousClock.Instant? { core.leaseReading()?.deadline?.instant }

    /// The deadline, as long as the session is the given one.
    package func leaseDeadline(ofSession id: Int64) -> ContinuousClock.Instant? {
        guard let reading = core.leaseReading(), reading.sessionID == id else { return nil }
        return reading.deadline?.instant
    }

    /// Whether ``leaseDeadline`` lies ahead: the current value and then each change, with the resolution of a tick.
    package func leaseHealthUpdates() -> AsyncStream<Bool> { core.leaseHealth.updates() }

    /// Has `action` called whenever that changes, on the event loop: it must be brief.
    ///
    /// - Returns: What ``forgetLeaseHealthObserver(_:)`` takes.
    package func observeLeaseHealth(_ action: @escaping @Sendable (Bool) -> Void) -> UInt64 {
        core.leaseHealth.observe(action)
    }

    /// Undoes an ``observeLeaseHealth(_:)``.
    package func forgetLeaseHealthObserver(_ observer: UInt64) { core.leaseHealth.forget(observer) }

    /// From now on the lease is kept fresh, which on an ensemble costs a `sync` every sixth of the session timeout.
    package func leaseUserAdded() { core.addLeaseUser() }

    /// Undoes one ``leaseUserAdded()``.
    package func leaseUserRemoved() { core.removeLeaseUser() }

    /// The logger given by whoever made the client.
    package var logger: Logger { core.logger }

    /// How long a call may take.
    package var requestTimeout: Duration { core.configuration.requestTimeout }
}
