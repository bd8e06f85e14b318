import DequeModule
import Logging
import NIOCore
import ZooKeeperProtocol

/// What moves the engine: the connections, the disk and the clock. All of it on one event loop, so that a read goes from
/// socket to socket without changing threads. Whoever calls it is on that loop already (handlers, timers, what was handed to
/// the loop), which is what every `assumeIsolated()` here relies on.
final class ServerCore {
    /// Bounds that are not part of the public configuration.
    struct Limits: Sendable {
        /// Output of one connection that may wait for the disk before nothing more is read from it.
        var gatedBytes = 8 << 20
        /// The same of all connections together.
        var totalGatedBytes = 64 << 20
        /// The longest request; a longer one is answered with an error.
        var frameBytes = Frame.defaultMaximumLength
        /// A request that announces more than this ends its connection; what is between is skipped.
        var skippedBytes = 2 * 0xFFFFF
        /// How many requests of one connection are taken before others have their turn.
        var framesPerTurn = 512
        /// How many connections there may be in all; 0: as many as the system lets this process open.
        var connections = 0
        /// How many may ask at a time how the server is.
        var adminConnections = 32
        /// How long one of those may take until the header of its first request is complete.
        var adminRequest = TimeAmount.seconds(5)
        /// Output of one connection that may wait for its client before the connection is closed.
        var outputBytes = 64 << 20
        /// Output of one connection that is sent before more of its requests are taken.
        var outputPerTurn = 1 << 20
        /// How many changes are stored without handing them to another thread, when the disk is quick.
        var recordsAtOnce = 4
        /// From how many connections on with output in one turn it is written on several processors.
        var connectionsPerBatch = 128
        /// How long a connection that is being closed may take for its last output.
        var farewell = TimeAmount.seconds(10)
        /// How long a connection may take until its handshake.
        var handshake = TimeAmount.seconds(30)
    }

    let limits: Limits
    private let eventLoop: any EventLoop
    private let storage: any TreeStorage
    private var settings: Engine.Settings
    private let logger: Logger
    private let clock: @Sendable () -> Now
    /// `nil` while the state is being read from disk again after a failure.
    private var engine: Engine?
    private var connections: [UInt64: ConnectionHandler] = [:]
    private var nextClientNumber: UInt64 = 1
    private var held: [ConnectionHandler] = []
    private var connectionsByAddress: [String: Int] = [:]
    /// Until when connections must have sent their handshake, in order.
    private var handshakes: Deque<(deadline: Instant, number: UInt64)> = []
    private var timers: [RepeatedTask] = []
    private var settled: [EventLoopPromise<Void>] = []
    private var isStopping = false
    /// Whether a small batch is stored at the end of this turn.
    private var isStoring = false
    private var adminConnections = 0
    private var noticeWriter: NoticeWriter
    /// Some descriptors are left for the disk and for those who ask how the server is.
    private lazy var connectionLimit: Int = {
        let descriptors = max(64, ProcessInformation.maximumFileDescriptors - 64)
        return limits.connections > 0 ? min(limits.connections, descriptors) : descriptors
    }()
    private var checkpoint = CheckpointProgress()
    /// Whether it was said that the disk is full.
    private var isShortageKnown = false
    private var nextTending = Instant(nanoseconds: 0)
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
        noticeWriter = NoticeWriter(logger: logger, enforcesQuota: engine.settings.enforcesQuota)
        // Before the first client: the disk may be full already.
        takeReport()
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
        let now = clock()
        engine?.tick(now: now)
        dropSilent(now)
        if let engine { noticeWriter.write(&engine.notices, now) }
        if now.instant >= nextTending {
            nextTending = now.instant.advanced(byMilliseconds: 1000)
            if isShortageKnown { storage.tend() }
        }
        takeReport()
        settle()
    }

    /// Who can prove itself by SASL from now on.
    func setSASLUsers(_ users: SASLUsers) {
        settings.saslUsers = users.passwords
        engine?.settings.saslUsers = users.passwords
    }

    func noteFailedHandshake(_ client: Client?, _ error: any Error) {
        engine?.notices.add(
            .handshakeFailed(address: client?.address ?? "", reason: TLSFailure.reason(error)))
    }

    // MARK: Connections

    /// Takes a connection in.
    ///
    /// - Returns: `nil` when there are too many, or the server is not ready.
    func accept(_ handler: ConnectionHandler, address remote: SocketAddress?) -> Client? {
        guard let engine, !isStopping else { return nil }
        let address = remote?.ipAddress ?? ""
        let count = connectionsByAddress[address, default: 0]
        guard context.maxClientConnections <= 0 || count < context.maxClientConnections else {
            engine.statistics.connectionsRefused &+= 1
            engine.notices.add(
                .connectionRefused(address: address, limit: context.maxClientConnections, isOfAddress: true))
            return nil
        }
        guard connections.count < connectionLimit else {
            engine.statistics.connectionsRefused &+= 1
            engine.notices.add(.connectionRefused(address: address, limit: connectionLimit, isOfAddress: false))
            return nil
        }
        connectionsByAddress[address] = count + 1
        let number = nextClientNumber
        nextClientNumber += 1
        let client = engine.accept(address: address, port: remote?.port ?? 0, number: number, now: clock())
        connections[number] = handler
        let deadline = clock().instant.advanced(byMilliseconds: limits.handshake.nanoseconds / 1_000_000)
        handshakes.append((deadline, number))
        return client
    }

    /// Ends the connections that have not said who they are. One list in order of time: a timer each would be dear.
    private func dropSilent(_ now: Now) {
        while let first = handshakes.first, first.deadline <= now.instant {
            handshakes.removeFirst()
            guard let handler = connections[first.number], handler.client?.phase == .awaitingHandshake else { continue }
            engine?.statistics.handshakesMissed &+= 1
            handler.drop()
        }
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

    /// Answers a request that is longer than the limit.
    func refuseOversize(
        _ header: RequestHeader, length: Int, from client: Client, closes: Bool, now: Now
    ) {
        engine?.refuseOversize(header, from: client, closes: closes, now: now)
        engine?.notices.add(
            .requestTooLong(address: client.address, length: length, limit: limits.frameBytes))
    }

    /// A connection could not be taken, and the listener pauses.
    func noteOutOfDescriptors() { engine?.notices.add(.outOfDescriptors) }

    func noteSent(_ bytes: Int) {
        engine?.statistics.bytesSent &+= UInt64(bytes)
    }

    /// Notes what was answered at once in the turn that began at `start`.
    func noteReads(of client: Client, since start: Now, answers: Int) {
        let elapsed = clock().instant.nanoseconds &- start.instant.nanoseconds
        engine?.statistics.noteReads(elapsed, answers: answers)
        client.latency.note(milliseconds: elapsed / 1_000_000, times: UInt64(answers))
    }

    func abort(_ client: Client) {
        engine?.statistics.connectionsDropped &+= 1
        engine?.abort(client)
    }

    func overflowed(_ client: Client) {
        engine?.statistics.connectionsDropped &+= 1
        engine?.notices.add(.outputNotTaken(address: client.address, limit: limits.outputBytes))
    }

    var isBacklogged: Bool {
        guard let engine else { return true }
        return engine.isBacklogged || engine.gatedBytes > limits.totalGatedBytes
    }

    /// Remembers a connection whose reading is held back, to try again when the disk has caught up.
    ///
    /// - Parameter isOurDoing: Whether the server cannot keep up, not the client. Its silence does not count then.
    func hold(_ handler: ConnectionHandler, isOurDoing: Bool) {
        handler.client?.isHeldBack = isOurDoing
        guard !handler.isOnHold else { return }
        handler.isOnHold = true
        engine?.statistics.throttled &+= 1
        held.append(handler)
    }

    func answer(_ word: String, argument: Int64? = nil) -> String {
        guard let engine else { return "This ZooKeeper instance is not currently serving requests\n" }
        return engine.answer(word, argument: argument, context, now: clock())
    }

    /// - Returns: `false` when too many ask already.
    func adminOpened(by remote: SocketAddress?) -> Bool {
        guard !isStopping else { return false }
        guard adminConnections < limits.adminConnections else {
            engine?.notices.add(
                .adminConnectionRefused(address: remote?.ipAddress ?? "", limit: limits.adminConnections))
            return false
        }
        adminConnections += 1
        return true
    }

    func adminClosed() {
        adminConnections -= 1
    }

    /// What the HTTP admin asks; `nil` while the tree is not served.
    func withEngine<Result>(_ body: (Engine, FourLetterContext, Now) -> Result) -> Result? {
        engine.map { body($0, context, clock()) }
    }

    // MARK: The disk

    /// Gives the disk what there is to do and the clients what they may have. Called after every turn.
    func settle() {
        guard let engine else { return }
        if engine.hasSmallBatch(atMost: limits.recordsAtOnce) {
            storeAtEndOfTurn()
        } else if let batch = engine.takeBatch(now: clock()) {
            store(batch)
        } else if engine.isSettled, !settled.isEmpty {
            for promise in settled { promise.succeed() }
            settled = []
        }
        flush(engine.takeTouched())
        advanceCheckpoint()
    }

    private func store(_ batch: StorageBatch) {
        let number = batch.number
        let core = NIOLoopBound(self, eventLoop: eventLoop)
        let eventLoop = eventLoop
        storage.store(batch) { error in
            eventLoop.execute { core.value.stored(number, error) }
        }
    }

    /// Stores what there is when everybody who has sent something has been heard: with few writers on a quick disk, here
    /// and now. Whatever could be said meanwhile would have to wait for the disk anyway.
    private func storeAtEndOfTurn() {
        guard !isStoring else { return }
        isStoring = true
        eventLoop.assumeIsolated().execute { [self] in
            isStoring = false
            guard let engine else { return }
            let isSmall = engine.hasSmallBatch(atMost: limits.recordsAtOnce)
            guard let batch = engine.takeBatch(now: clock()) else { return }
            do {
                if isSmall, try storage.storeAtOnce(batch) {
                    stored(batch.number, nil)
                } else {
                    store(batch)
                }
            } catch {
                stored(batch.number, error)
            }
        }
    }

    /// Sends what they are owed: to a few one after the other, to many on all processors.
    private func flush(_ clients: [Client]) {
        guard clients.count >= limits.connectionsPerBatch else {
            for client in clients { connections[client.number]?.flush() }
            return
        }
        let handlers = clients.compactMap { connections[$0.number] }
        var batch = SocketBatch()
        var others: [ConnectionHandler] = []
        for (index, handler) in handlers.enumerated() {
            if let item = handler.takeOutput(index: index) { batch.append(item) } else { others.append(handler) }
        }
        for remainder in batch.send() { handlers[remainder.index].putBack(remainder.bytes) }
        for handler in others { handler.flush() }
    }

    private func stored(_ number: UInt64, _ error: (any Error)?) {
        guard let engine else { return }
        if let error {
            storageFailed(error)
            return
        }
        engine.batchStored(number, now: clock())
        takeReport()
        settle()
        guard !held.isEmpty else { return }
        let waiting = held
        held = []
        for (index, handler) in waiting.enumerated() {
            // Who is not reached now is the first the next time, or those at the front would take everything for ever.
            guard !isBacklogged else {
                held = waiting[index...] + held
                break
            }
            handler.isOnHold = false
            handler.resume()
        }
    }

    /// Nothing that was not stored has been told to anybody. All connections end, and the state is read from disk again.
    private func storageFailed(_ error: any Error) {
        logger.error(
            "storing failed: all connections are closed and the tree is read again from disk",
            metadata: ["error": "\(error)"])
        engine = nil
        checkpoint = CheckpointProgress(generation: checkpoint.generation + 1)
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
            takeReport()
            logger.info("the tree was read again from disk and is served")
            settle()
        } catch let error as RecoveryError {
            onFailure(error)
        } catch {
            logger.error("the tree cannot be read yet; trying again", metadata: ["error": "\(error)"])
            eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) { [weak self] in self?.reload() }
        }
    }

    private func takeReport() {
        guard let engine else { return }
        let report = storage.report()
        engine.storageAllowance = report.allowance
        engine.storageReserve = report.reserve
        checkpoint.logBytes = report.logBytes + report.segments * Self.segmentCost
        if let shortage = report.shortage {
            if !isShortageKnown {
                logger.error(
                    "the disk is full: what clients write is refused as soon as the last segment is used up",
                    metadata: ["reason": "\(shortage)", "left": "\(max(0, report.allowance))"])
            }
        } else if isShortageKnown {
            logger.notice("there is room on the disk again: everything goes on")
        }
        isShortageKnown = report.shortage != nil
        engine.isDiskFull = isShortageKnown
    }

    // MARK: Checkpoints

    private struct CheckpointProgress {
        /// Tells the answers to an engine's steps from those to an earlier engine's.
        var generation = 0
        var isStepUnderWay = false
        var logBytes = 0
        var notBefore = Instant(nanoseconds: 0)
    }

    /// Segments that are nearly empty, which frequent starts leave, also take time to read.
    private static let segmentCost = 256 << 10
    private static let checkpointRetryMilliseconds: Int64 = 10_000

    /// Takes the next step of a checkpoint, or begins one when the log has become long. The writer asks for a step when it
    /// has done the one before.
    private func advanceCheckpoint() {
        guard let engine, !isStopping, !checkpoint.isStepUnderWay else { return }
        if engine.isCheckpointing {
            if let step = engine.nextCheckpointStep() { take(step) }
            return
        }
        let pace = CheckpointPace(
            checkpointBytes: engine.checkpointSize, logBytes: max(settings.checkpointLogBytes, engine.checkpointSize))
        if checkpoint.logBytes >= pace.logBytes, clock().instant >= checkpoint.notBefore { take(.begin(pace)) }
    }

    private func take(_ step: CheckpointStep) {
        checkpoint.isStepUnderWay = true
        let core = NIOLoopBound(self, eventLoop: eventLoop)
        let eventLoop = eventLoop
        let generation = checkpoint.generation
        storage.checkpoint(step) { error in
            eventLoop.execute { core.value.taken(step, error, generation) }
        }
    }

    private func taken(_ step: CheckpointStep, _ error: (any Error)?, _ generation: Int) {
        guard let engine, generation == checkpoint.generation else { return }
        checkpoint.isStepUnderWay = false
        if let error {
            logger.warning("a checkpoint could not be written; it is tried again", metadata: ["error": "\(error)"])
            engine.endCheckpoint()
            checkpoint.notBefore = clock().instant.advanced(byMilliseconds: Self.checkpointRetryMilliseconds)
            return
        }
        switch step {
        case .begin: engine.beginCheckpoint()
        case .seal(let seal):
            engine.endCheckpoint()
            takeReport()
            logger.debug("checkpoint written", metadata: ["nodes": "\(seal.nodes)", "zxid": "\(hex(seal.endZxid))"])
        case .nodes, .sessions, .abandon: break
        }
        advanceCheckpoint()
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
