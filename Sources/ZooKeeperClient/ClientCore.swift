import Logging
import NIOCore
import NIOPosix
import Synchronization
import ZooKeeperProtocol

/// The interpreter of ``SessionMachine``: holds it under a lock, performs what it wants on one event loop.
///
/// Callers on any thread only hand requests in (``Submissions``) and wake the event loop when it is not about to look by
/// itself. All other inputs come from the event loop, so their effects happen one after the other, outside the lock. No
/// user code runs here: answers and events resume continuations or fill buffers.
final class ClientCore: Sendable {
    struct State {
        var machine: SessionMachine
        var channel: (any Channel)?
        /// Whether the connection is left alone for a moment (``SessionMachine/pause``).
        var isPaused = false
        /// Cuts short whatever the run loop waits for.
        var interrupt: (@Sendable () -> Void)?
        var hasRun = false
        var endRequested = false
        var fatalError: ZooKeeperError?
        var lastFailure: ConnectionFailure? {
            get { machine.lastFailure }
            set { machine.lastFailure = newValue }
        }
        /// Of the current attempt or connection.
        var server: ServerAddress?
        /// The kind of failure that was logged last; nil again with each session.
        var loggedFailure: ConnectionFailure.Kind?
        /// Whether the end of the connection has been explained.
        var isExplained = false
    }

    /// What a lease needs to know, apart from the machine's lock.
    struct LeaseReading: Sendable {
        var sessionID: Int64
        var deadline: ContinuousClock.Instant?
    }

    let configuration: ZooKeeperClient.Configuration
    let eventLoop: any EventLoop
    let logger: Logger
    let makeResolver: (@Sendable (any EventLoop) -> any Resolver & Sendable)?
    let state: Mutex<State>
    private let submissions: Submissions
    let connectionState: StateBroadcast<ConnectionState>
    /// Whether the lease deadline lies ahead; told with the resolution of the tick.
    let leaseHealth: StateBroadcast<Bool>
    private let lease = Mutex<LeaseReading?>(nil)
    /// Apart from the machine, which asks at each tick: locks come and go faster.
    private let leaseUsers = Atomic<Int>(0)
    private let ticker = Mutex<RepeatedTask?>(nil)

    /// - Parameter makeResolver: What looks names up for one attempt to connect; nil: the system.
    init(
        configuration: ZooKeeperClient.Configuration, eventLoop: any EventLoop, logger: Logger,
        makeResolver: (@Sendable (any EventLoop) -> any Resolver & Sendable)? = nil
    ) {
        self.configuration = configuration
        self.makeResolver = makeResolver
        self.eventLoop = eventLoop
        self.logger = logger
        let shortest = min(configuration.sessionTimeout, configuration.requestTimeout)
        let interval = min(max(shortest / 24, .milliseconds(5)), .milliseconds(50))
        var settings = SessionMachine.Settings(
            sessionTimeout: configuration.sessionTimeout, requestTimeout: configuration.requestTimeout,
            serverCount: configuration.servers.count)
        settings.auth = configuration.auth.map { AuthPacket(scheme: $0.scheme, auth: $0.credentials) }
        settings.sasl = configuration.sasl
        settings.keepsSessionAtEnd = configuration.keepsSessionAtEnd
        settings.maxOutstandingRequests = configuration.maxOutstandingRequests
        settings.maxOutstandingBytes = configuration.maxOutstandingBytes
        settings.leaseRule = configuration.leaseRule
        settings.serverTick = configuration.serverTick
        settings.tickInterval = interval
        let machine = SessionMachine(settings: settings, resuming: configuration.resume, now: .now)
        state = Mutex(State(machine: machine))
        submissions = Submissions(
            maximumRequests: configuration.maxOutstandingRequests, maximumBytes: configuration.maxOutstandingBytes)
        connectionState = StateBroadcast(machine.state, bound: 64)
        leaseHealth = StateBroadcast(false, bound: 16)

        // From the start and not only in run(): calls made before have deadlines, too.
        let amount = TimeAmount.milliseconds(interval.wholeMilliseconds)
        let task = eventLoop.scheduleRepeatedTask(initialDelay: amount, delay: amount) { [weak self] task in
            guard let self else { return task.cancel() }
            self.tick()
        }
        ticker.withLock { $0 = task }
    }

    deinit {
        ticker.withLock { $0?.cancel() }
    }

    // MARK: Callers, any thread

    /// Hands a request in; its outcome settles `call`.
    ///
    /// - Parameter isUrgent: False when it is better sent together with what comes next, if that comes at once.
    ///   It may be the last that is submitted for all that.
    func submit(_ call: PendingCall, isUrgent: Bool = true) {
        switch submissions.add(call, isUrgent: isUrgent) {
        case .refused(let error): call.finish(.failure(error))
        case .wakes: eventLoop.execute { self.flush() }
        case .wakesSoon:
            let end = ContinuousClock.now + Self.lingerTime
            eventLoop.execute { self.linger(until: end) }
        case .queued: break
        }
    }

    /// How long a request that is not urgent waits for company. Awake: a timer would take longer to set and to go off
    /// than what is waited for takes to come, and whoever comes finds the event loop ready.
    private static let lingerTime = Duration.microseconds(25)

    private func linger(until end: ContinuousClock.Instant) {
        switch submissions.lingering(isOver: ContinuousClock.now >= end) {
        case .goesOn: eventLoop.execute { self.linger(until: end) }
        case .hasCompany: break
        case .isOver: flush()
        }
    }

    /// Nobody waits for a one-shot watch any more.
    func forget(_ slot: WatchSlot) {
        guard slot.isRequested, slot.trigger == nil else { return }
        state.withLock { $0.machine.watches.forget(slot) }
    }

    /// Nobody listens to a persistent watch any more. The server is told when nobody here needs any watch on the path.
    func forget(_ buffer: PersistentWatchBuffer) {
        let (unneeded, refused) = state.withLock { state in
            // What was handed in may be about to arm the path.
            let refused = admit(&state)
            return (state.machine.watches.forget(buffer) && !state.machine.isArming(buffer.path), refused)
        }
        settle(refused)
        guard unneeded else { return }
        // Any kind, because servers before 3.10 know no other; that is why nothing else may be armed there.
        submit(
            .request(.removeWatches, path: buffer.path, deadline: .now + configuration.requestTimeout) {
                WatcherTypeRequest(path: buffer.path, type: .any).write(into: &$0)
            })
    }

    func leaseReading() -> LeaseReading? { lease.withLock { $0 } }

    func addLeaseUser() { leaseUsers.add(1, ordering: .relaxed) }
    func removeLeaseUser() { leaseUsers.subtract(1, ordering: .relaxed) }

    var session: SessionInfo? { state.withLock { $0.machine.session } }

    // MARK: Event loop

    /// Gives the machine what callers have handed in; under the lock.
    ///
    /// - Returns: What it refuses.
    private func admit(_ state: inout State) -> [(PendingCall, ZooKeeperError)] {
        submissions.take().compactMap { call in state.machine.submit(call).map { (call, $0) } }
    }

    private func settle(_ refused: [(PendingCall, ZooKeeperError)]) {
        for (call, error) in refused { call.finish(.failure(error)) }
    }

    /// Lets the machine work on an input and performs what it wants.
    private func step(_ input: (inout State) -> Effects) {
        let (effects, channel, reading, refused) = state.withLock { state in
            var refused = admit(&state)
            let effects = input(&state)
            if submissions.update(state.standing) {
                // Handed in just now: it leaves at once, or learns that the client has closed.
                refused += admit(&state)
                if state.machine.phase == .established { eventLoop.execute { self.flush() } }
            }
            return (effects, state.channel, state.leaseReading, refused)
        }
        perform(effects, reading, on: channel)
        settle(refused)
    }

    func flush() {
        step { $0.machine.takeWritable(at: .now) }
    }

    func tick() {
        let now = ContinuousClock.now
        step { state in
            state.machine.leaseUsers = leaseUsers.load(ordering: .relaxed)
            return state.machine.tick(at: now)
        }
        let isHealthy = lease.withLock { $0?.deadline.map { $0 > now } ?? false }
        if leaseHealth.value != isHealthy { leaseHealth.send(isHealthy) }
    }

    func connectionOpened(_ channel: any Channel) {
        step { state in
            state.channel = channel
            state.isPaused = false
            state.isExplained = false
            return state.machine.connectionOpened(at: .now)
        }
    }

    /// - Returns: How long the connection is to be left alone now; ``resumed()`` is then called.
    func received(_ frames: [ByteBuffer], on channel: any Channel) -> Duration? {
        var pause: Duration?
        step { state in
            guard state.channel === channel else { return Effects() }
            let effects = state.machine.received(frames, at: .now)
            pause = effects.close == nil ? state.machine.pause : nil
            state.isPaused = pause != nil
            return effects
        }
        return pause
    }

    /// The pause is over: what was handed in meanwhile leaves.
    func resumed(_ channel: any Channel) {
        step { state in
            guard state.channel === channel else { return Effects() }
            state.isPaused = false
            return state.machine.takeWritable(at: .now)
        }
    }

    /// - Parameter error: What the network or TLS said, if anything.
    func connectionClosed(_ channel: any Channel, error: (any Error)?) {
        step { state in
            guard state.channel === channel else { return Effects() }
            state.channel = nil
            state.isPaused = false
            let isEstablished =
                switch state.machine.phase {
                case .established, .closing, .closed: true
                case .disconnected, .handshaking, .authenticating: false
                }
            if !state.isExplained, !state.endRequested {
                state.lastFailure =
                    error.map {
                        ConnectionFailure($0, server: state.server, wasOpen: true, tls: configuration.tls)
                    }
                    ?? ConnectionFailure(
                        kind: isEstablished ? .lost : .refused, server: state.server,
                        message: "the server closed the connection")
            }
            let isTLSFailure = error.map(ConnectionFailure.isTLS) ?? false
            return state.machine.connectionLost(at: .now, byServer: !isTLSFailure)
        }
    }

    /// Asks for the end: from any thread, more than once.
    func requestEnd() {
        eventLoop.execute { self.end() }
    }

    func end() {
        let patience = min(configuration.requestTimeout, .seconds(2))
        var interrupt: (@Sendable () -> Void)?
        step { state in
            state.endRequested = true
            interrupt = state.interrupt
            return state.machine.close(at: .now, patience: patience)
        }
        interrupt?()
    }

    private func perform(_ effects: Effects, _ reading: LeaseReading?, on channel: (any Channel)?) {
        for (slot, trigger) in effects.triggers { slot.fire(trigger) }
        for (buffer, element) in effects.elements { buffer.append(element) }
        for (buffer, error) in effects.endedWatches { buffer.finish(error) }
        lease.withLock { $0 = reading }
        if let write = effects.write { channel?.writeAndFlush(write, promise: nil) }
        for (call, result) in effects.completions where !call.finish(result) {
            // Cancelled between the answer and here: nobody has got the watch that it armed.
            if case .oneShot(_, let slot)? = call.arming { forget(slot) }
            if case .persistent(_, let buffer)? = call.arming { forget(buffer) }
        }
        for state in effects.states { announce(state) }
        if let reason = effects.close {
            connectionGivenUp(reason)
            channel?.close(promise: nil)
        }
    }

    private func announce(_ newState: ConnectionState) {
        switch newState {
        case .connecting:
            logger.debug("connecting")
        case .connected(let session):
            state.withLock { $0.loggedFailure = nil }
            logger.debug(
                "connected", metadata: [LogKey.session: "0x\(String(UInt64(bitPattern: session.id), radix: 16))"])
        case .suspended(let session):
            logger.info(
                "connection lost", metadata: [LogKey.session: "0x\(String(UInt64(bitPattern: session.id), radix: 16))"])
        case .expired(let session):
            logger.info(
                "session expired", metadata: [LogKey.session: "0x\(String(UInt64(bitPattern: session.id), radix: 16))"])
        case .closed:
            logger.debug("closed")
            ticker.withLock { $0?.cancel() }
        }
        if case .expired = newState {
            connectionState.send(newState, transient: true)
        } else {
            connectionState.send(newState)
        }
        if newState == .closed {
            leaseHealth.send(false)
            connectionState.finish()
            leaseHealth.finish()
        }
    }

    private func connectionGivenUp(_ reason: Effects.CloseReason) {
        state.withLock { state in
            guard let failure = ConnectionFailure(reason, server: state.server) else { return }
            state.lastFailure = failure
            state.isExplained = true
        }
        guard case .authenticationRefused(let code, let message) = reason else { return }
        state.withLock { state in
            let text = "the server does not accept this client: \(message)"
            state.fatalError = ZooKeeperError(code: code, operation: .auth, message: text)
            state.machine.endReason = (code, text)
        }
        end()
    }

    /// What calls are told after the end.
    var endError: ZooKeeperError {
        state.withLock { ZooKeeperError(code: $0.machine.endReason.code, message: $0.machine.endReason.message) }
    }
}

extension ClientCore.State {
    fileprivate var standing: Submissions.Standing {
        Submissions.Standing(
            requests: machine.queue.count + machine.inFlight.count, bytes: machine.outstandingBytes,
            takesRequests: machine.phase == .established, isPaused: isPaused, isClosed: machine.isClosed,
            endCode: machine.endReason.code, endMessage: machine.endReason.message)
    }

    fileprivate var leaseReading: ClientCore.LeaseReading? {
        machine.session.map { ClientCore.LeaseReading(sessionID: $0.id, deadline: machine.lease.deadline) }
    }
}

/// The metadata keys of this module.
enum LogKey {
    static let session = "zookeeper.session"
    static let server = "zookeeper.server"
    static let reason = "zookeeper.reason"
    static let error = "error"
}

extension PendingCall {
    /// Makes a call with its frame; `body` writes what follows the header.
    static func request(
        _ operation: OperationCode, path: String?, arming: WatchArming? = nil, deadline: ContinuousClock.Instant,
        size: Int = 0, body: (inout ByteBuffer) -> Void
    ) -> PendingCall {
        var frame = ByteBuffer()
        if size > 0 { frame.reserveCapacity(size + 32) }
        Frame.write(into: &frame) { frame in
            RequestHeader(xid: 0, operation: operation).write(into: &frame)
            body(&frame)
        }
        return PendingCall(operation: operation, path: path, arming: arming, deadline: deadline, frame: frame)
    }
}

extension SessionMachine {
    /// Whether a request that arms a watch on `path` is on its way.
    func isArming(_ path: String) -> Bool {
        queue.contains { $0.arming?.path == path } || inFlight.contains { $0.call?.arming?.path == path }
    }
}
