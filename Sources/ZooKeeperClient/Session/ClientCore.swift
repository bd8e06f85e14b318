import DequeModule
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Primitives
import Synchronization
import ZooKeeperProtocol

/// The interpreter of ``SessionMachine``: holds it under a lock, performs what it wants on one event loop.
///
/// Callers on any thread hand requests in (``Submissions``) and wake the event loop when it is not about to look by
/// itself; one who is alone writes them (``Outlet``). All other inputs come from the event loop, so their effects happen
/// one after the other, outside the lock. No user code runs here: answers and events resume continuations or fill buffers.
final class ClientCore: Sendable {
    struct State {
        var machine: SessionMachine
        var outlet: Outlet?
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
        /// With what TLS is spoken, if it is, in the current attempt or connection.
        var tls: TLSConfiguration?
        /// Whether the server has refused this client, which may come in another time.
        var isRefused = false
        /// The kind of failure that was logged last; nil again with each session.
        var loggedFailure: ConnectionFailure.Kind?
        /// Whether the end of the connection has been explained.
        var isExplained = false
    }

    /// What is to be performed on the event loop.
    private struct Performances {
        typealias Performance = (effects: Effects, reading: LeaseReading?, outlet: Outlet?)

        var waiting: Deque<Performance> = []
        var isUnderWay = false
    }

    /// What a lease needs to know, apart from the machine's lock.
    struct LeaseReading: Sendable {
        var sessionID: Int64
        var deadline: Moment?
    }

    let configuration: ZooKeeperClient.Configuration
    let eventLoop: any EventLoop
    /// For recipes; see ``ZooKeeperClient/onEventLoop(_:)``.
    let executor: EventLoopExecutor
    let logger: Logger
    let makeResolver: (@Sendable (any EventLoop) -> any Resolver & Sendable)?
    let state: Mutex<State>
    let submissions: Submissions
    /// How many tasks the last answers have woken: those are likely to ask for something at the same time.
    let wokenTasks = Atomic<Int>(0)
    let connectionState: StateBroadcast<ConnectionState>
    /// Whether the lease deadline lies ahead; told with the resolution of the tick.
    let leaseHealth: StateBroadcast<Bool>
    private let lease = Mutex<LeaseReading?>(nil)
    /// Apart from the machine, which asks at each tick: locks come and go faster.
    private let leaseUsers = Atomic<Int>(0)
    private let ticker = Mutex<RepeatedTask?>(nil)
    private let performances = Mutex(Performances())

    /// - Parameter makeResolver: What looks names up for one attempt to connect; nil: the system.
    init(
        configuration: ZooKeeperClient.Configuration, eventLoop: any EventLoop, logger: Logger,
        makeResolver: (@Sendable (any EventLoop) -> any Resolver & Sendable)? = nil
    ) {
        self.configuration = configuration
        self.makeResolver = makeResolver
        self.eventLoop = eventLoop
        executor = EventLoopExecutor(eventLoop)
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

    /// Nobody waits for a one-shot watch any more.
    func forget(_ slot: WatchSlot) {
        guard slot.isRequested, slot.trigger == nil else { return }
        state.withLock { $0.machine.watches.forget(slot) }
    }

    /// Nobody listens to a persistent watch any more. The server is told when nobody here needs any watch on the path.
    func forget(_ buffer: PersistentWatchBuffer) {
        let (unneeded, refused) = state.withLock { state in
            // What was handed in may be about to arm the path.
            var refused = admit(&state)
            guard state.machine.watches.forget(buffer), !state.machine.isArming(buffer.path) else {
                return (false, refused)
            }
            // Any kind, because servers before 3.10 know no other; that is why nothing else may be armed there. It gets
            // into line here, under the lock, so that whoever arms the path from now on comes behind it.
            let removal = PendingCall.request(
                .removeWatches, path: buffer.path, deadline: .now + configuration.requestTimeout
            ) {
                WatcherTypeRequest(path: buffer.path, type: .any).write(into: &$0)
            }
            if let error = state.machine.submit(removal) { refused.append((removal, error)) }
            return (true, refused)
        }
        settle(refused)
        if unneeded { eventLoop.execute { self.flush() } }
    }

    func leaseReading() -> LeaseReading? { lease.withLock { $0 } }

    func addLeaseUser() { leaseUsers.add(1, ordering: .relaxed) }
    func removeLeaseUser() { leaseUsers.subtract(1, ordering: .relaxed) }

    var session: SessionInfo? { state.withLock { $0.machine.session } }

    // MARK: Event loop

    /// Lets the machine work on an input and performs what it wants.
    ///
    /// - Parameter writes: Whether the input writes what callers have handed in.
    private func step(writes: Bool = false, _ input: (inout State) -> Effects) {
        let (effects, outlet, reading, refused) = state.withLock { state in
            var refused = admit(&state, forWriting: writes)
            let effects = input(&state)
            let reading = state.leaseReading
            if let write = effects.write {
                // Before anybody who writes can send what ends the session. Otherwise in its turn (``Effects``).
                if reading?.deadline == nil { lease.withLock { $0 = reading } }
                state.outlet?.add(write)
            }
            refused += noteStanding(&state)
            return (effects, state.outlet, reading, refused)
        }
        perform(effects, reading, on: outlet)
        settle(refused)
    }

    func flush() {
        step(writes: true) { $0.machine.takeWritable(at: .now) }
    }

    func tick() {
        step { state in
            state.machine.leaseUsers = leaseUsers.load(ordering: .relaxed)
            return state.machine.tick(at: .now)
        }
        let now = Moment.now
        let isHealthy = lease.withLock { $0?.deadline.map { $0 > now } ?? false }
        if leaseHealth.value != isHealthy { leaseHealth.send(isHealthy) }
    }

    func connectionOpened(_ outlet: Outlet) {
        step { state in
            state.outlet = outlet
            state.isPaused = false
            state.isExplained = false
            return state.machine.connectionOpened(at: .now)
        }
    }

    /// - Returns: How long the connection is to be left alone now; ``resumed()`` is then called.
    func received(_ frames: [ByteBuffer], on outlet: Outlet?) -> Duration? {
        var pause: Duration?
        step { state in
            guard let outlet, state.outlet === outlet else { return Effects() }
            let effects = state.machine.received(frames, at: .now)
            pause = effects.close == nil ? state.machine.pause : nil
            state.isPaused = pause != nil
            return effects
        }
        return pause
    }

    /// The pause is over: what was handed in meanwhile leaves.
    func resumed(_ outlet: Outlet?) {
        step(writes: true) { state in
            if let outlet, state.outlet === outlet { state.isPaused = false }
            return state.machine.takeWritable(at: .now)
        }
    }

    /// - Parameter error: What the network or TLS said, if anything.
    func connectionClosed(_ outlet: Outlet?, error: (any Error)?) {
        step { state in
            guard let outlet, state.outlet === outlet else { return Effects() }
            state.outlet = nil
            state.isPaused = false
            let isEstablished =
                switch state.machine.phase {
                case .established, .closing, .closed: true
                case .disconnected, .handshaking, .authenticating: false
                }
            if !state.isExplained, !state.endRequested {
                var failure =
                    error.map { ConnectionFailure($0, server: state.server, wasOpen: true, tls: state.tls) }
                    ?? ConnectionFailure(
                        kind: .lost, server: state.server, message: "the server closed the connection")
                // With a goodbye or a reset: it depends on whether it has read what it was sent.
                if !isEstablished, failure.kind == .lost { failure.kind = .refused }
                state.lastFailure = failure
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

    /// One after the other: a write that fails makes NIO close the connection at once and say so, and what comes of that
    /// must not overtake the rest of what is being performed.
    private func perform(_ effects: Effects, _ reading: LeaseReading?, on outlet: Outlet?) {
        performances.withLock { $0.waiting.append((effects, reading, outlet)) }
        var isFirst = true
        while let (effects, reading, outlet) = nextPerformance(isFirst: isFirst) {
            isFirst = false
            performNow(effects, reading, on: outlet)
        }
    }

    private func nextPerformance(isFirst: Bool) -> Performances.Performance? {
        performances.withLock { performances in
            if isFirst, performances.isUnderWay { return nil }
            performances.isUnderWay = !performances.waiting.isEmpty
            return performances.waiting.popFirst()
        }
    }

    private func performNow(_ effects: Effects, _ reading: LeaseReading?, on outlet: Outlet?) {
        for (slot, trigger) in effects.triggers { slot.fire(trigger) }
        for (buffer, element) in effects.elements { buffer.append(element) }
        for (buffer, error) in effects.endedWatches { buffer.finish(error) }
        lease.withLock { $0 = reading }
        if effects.write != nil { outlet?.drain() }
        finish(effects.completions)
        for state in effects.states { announce(state) }
        if let reason = effects.close {
            connectionGivenUp(reason)
            outlet?.channel.close(promise: nil)
        }
    }

    private func finish(_ completions: [(call: PendingCall, result: Result<PendingCall.Reply, any Error>)]) {
        guard !completions.isEmpty else { return }
        var woken = 0
        for (call, result) in completions {
            switch call.settle(result) {
            case .hasWoken: woken += 1
            case .isNoted: break
            case .isTooLate:
                // Cancelled between the answer and here: nobody has got the watch that it armed.
                if case .oneShot(_, let slot)? = call.arming { forget(slot) }
                if case .persistent(_, let buffer)? = call.arming { forget(buffer) }
            }
        }
        wokenTasks.store(woken, ordering: .relaxed)
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
        if configuration.accessSource != nil { return state.withLock { $0.isRefused = true } }
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
    var standing: Submissions.Standing {
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
        _ operation: OperationCode, path: String?, arming: WatchArming? = nil, deadline: Moment,
        size: Int = 0, body: (inout ByteBuffer) -> Void
    ) -> PendingCall {
        var frame = ByteBuffer()
        // The header, and mostly a path with its length and a few numbers.
        frame.reserveCapacity(32 + max(size, (path?.utf8.count ?? 0) + 24))
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
