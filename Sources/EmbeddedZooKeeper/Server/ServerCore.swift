import Logging
import NIOCore
import ZooKeeperProtocol

/// What moves the engine: the connections, the disk and the clock. All of it on one event loop, so that a read goes from
/// socket to socket without changing threads.
final class ServerCore {
    /// Bounds that are not part of the public configuration.
    struct Limits: Sendable {
        /// Output of one connection that may wait for the disk before nothing more is read from it.
        var gatedBytes = 8 << 20
        /// Output of one connection that may wait for its client before the connection is closed.
        var outputBytes = 64 << 20
        /// How long a connection may take until its handshake.
        var handshake = TimeAmount.seconds(30)
    }

    let limits: Limits
    private let eventLoop: any EventLoop
    private let storage: any TreeStorage
    private let settings: Engine.Settings
    private let logger: Logger
    private let clock: @Sendable () -> Now
    /// `nil` while the state is being read from disk again after a failure.
    private var engine: Engine?
    private var connections: [UInt64: ConnectionHandler] = [:]
    private var nextClientNumber: UInt64 = 1
    private var held: [ConnectionHandler] = []
    private var connectionsByAddress: [String: Int] = [:]
    private var timers: [RepeatedTask] = []
    private var settled: [EventLoopPromise<Void>] = []
    private var isStopping = false
    var context: FourLetterContext
    /// Told when the stored state cannot be believed any more.
    var onFailure: (any Error) -> Void = { _ in }

    init(
        engine: Engine, storage: any TreeStorage, eventLoop: any EventLoop, limits: Limits, context: FourLetterContext,
        logger: Logger, clock: @escaping @Sendable () -> Now
    ) {
        self.engine = engine
        settings = engine.settings
        self.storage = storage
        self.eventLoop = eventLoop
        self.limits = limits
        self.context = context
        self.logger = logger
        self.clock = clock
    }

    func now() -> Now { clock() }

    /// Starts the clock of session expiry and the sweeps.
    func start(sweepInterval: TimeAmount) {
        let bucket = TimeAmount.milliseconds(engine?.sessionClock.bucketMilliseconds ?? 100)
        // Holds the core until the timers are cancelled in `stop`.
        let core = NIOLoopBound(self, eventLoop: eventLoop)
        timers = [
            eventLoop.scheduleRepeatedTask(initialDelay: bucket, delay: bucket) { _ in core.value.tick() },
            eventLoop.scheduleRepeatedTask(initialDelay: sweepInterval, delay: sweepInterval) { _ in
                core.value.sweep()
            },
        ]
    }

    private func sweep() {
        engine?.sweep(now: clock())
        settle()
    }

    private func tick() {
        engine?.tick(now: clock())
        settle()
    }

    // MARK: Connections

    /// Takes a connection in.
    ///
    /// - Returns: `nil` when there are too many from that address, or the server is not ready.
    func accept(_ handler: ConnectionHandler, address: String) -> Client? {
        guard let engine, !isStopping else { return nil }
        let count = connectionsByAddress[address, default: 0]
        guard context.maxClientConnections <= 0 || count < context.maxClientConnections else {
            logger.warning(
                "refused a connection: too many from this address",
                metadata: ["address": "\(address)", "limit": "\(context.maxClientConnections)"])
            return nil
        }
        connectionsByAddress[address] = count + 1
        let number = nextClientNumber
        nextClientNumber += 1
        let client = engine.accept(address: address, number: number)
        connections[number] = handler
        eventLoop.assumeIsolated().scheduleTask(in: limits.handshake) { [weak self] in
            guard let handler = self?.connections[number], handler.client?.phase == .awaitingHandshake else { return }
            handler.drop()
        }
        return client
    }

    func disconnected(_ client: Client) {
        connections[client.number] = nil
        let count = connectionsByAddress[client.address, default: 1] - 1
        connectionsByAddress[client.address] = count > 0 ? count : nil
        engine?.disconnect(client)
    }

    func receive(_ frame: inout ByteBuffer, from client: Client, now: Now) {
        engine?.receive(&frame, from: client, now: now)
    }

    /// The connection has proved by other means than a request to be somebody.
    func prove(_ identity: Identity, _ client: Client) {
        engine?.prove(identity, client)
    }

    func abort(_ client: Client) {
        engine?.abort(client)
    }

    func overflowed(_ client: Client) {
        logger.warning(
            "closed a connection that does not take its output",
            metadata: ["address": "\(client.address)", "limit": "\(limits.outputBytes)"])
    }

    var isBacklogged: Bool { engine?.isBacklogged ?? true }

    /// Remembers a connection whose reading is held back, to try again when the disk has caught up.
    func hold(_ handler: ConnectionHandler) {
        held.append(handler)
    }

    func answer(_ word: String) -> String {
        guard let engine else { return "This ZooKeeper instance is not currently serving requests\n" }
        return engine.answer(word, context, now: clock())
    }

    // MARK: The disk

    /// Gives the disk what there is to do and the clients what they may have. Called after every turn.
    func settle() {
        guard let engine else { return }
        if let batch = engine.takeBatch(now: clock()) {
            let number = batch.number
            let core = NIOLoopBound(self, eventLoop: eventLoop)
            let eventLoop = eventLoop
            storage.store(batch) { error in
                eventLoop.execute { core.value.stored(number, error) }
            }
        } else if engine.isSettled, !settled.isEmpty {
            for promise in settled { promise.succeed() }
            settled = []
        }
        for client in engine.takeTouched() { connections[client.number]?.flush() }
    }

    private func stored(_ number: UInt64, _ error: (any Error)?) {
        guard let engine else { return }
        if let error {
            storageFailed(error)
            return
        }
        engine.batchStored(number, now: clock())
        settle()
        guard !held.isEmpty else { return }
        let waiting = held
        held = []
        for handler in waiting { handler.resume() }
    }

    /// Nothing that was not stored has been told to anybody. All connections end, and the state is read from disk again.
    private func storageFailed(_ error: any Error) {
        logger.error(
            "storing failed: all connections are closed and the tree is read again from disk",
            metadata: ["error": "\(error)"])
        engine = nil
        held = []
        for handler in connections.values { handler.drop() }
        if isStopping {
            for promise in settled { promise.fail(error) }
            settled = []
        } else {
            reload()
        }
    }

    private func reload() {
        let core = NIOLoopBound(self, eventLoop: eventLoop)
        let eventLoop = eventLoop
        let storage = storage
        storage.recoverAsync { result in
            eventLoop.execute { core.value.reloaded(result) }
        }
    }

    private func reloaded(_ result: Result<RecoveredState, any Error>) {
        guard !isStopping else { return }
        do {
            engine = try Engine(recovered: try result.get(), settings: settings, now: clock())
            logger.info("the tree was read again from disk and is served")
            settle()
        } catch let error as RecoveryError {
            onFailure(error)
        } catch {
            logger.error("the tree cannot be read yet; trying again", metadata: ["error": "\(error)"])
            eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) { [weak self] in self?.reload() }
        }
    }

    // MARK: The end

    /// Closes every connection and waits until everything is on disk. Sessions stay.
    func stop() -> EventLoopFuture<Void> {
        isStopping = true
        for timer in timers { timer.cancel() }
        for handler in connections.values { handler.drop() }
        let promise = eventLoop.makePromise(of: Void.self)
        guard engine != nil else {
            promise.succeed()
            return promise.futureResult
        }
        settled.append(promise)
        settle()
        return promise.futureResult
    }
}
