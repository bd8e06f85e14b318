import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Primitives
import Synchronization
import ZooKeeperProtocol

extension ClientCore {
    /// Keeps a connection until the end is requested, then returns when the session is closed.
    func run() async throws {
        var random = SystemRandomNumberGenerator()
        let ceiling = min(.seconds(1), configuration.sessionTimeout / 4)
        var schedule = ReconnectSchedule(servers: configuration.servers, ceiling: ceiling, using: &random)
        do {
            // Found out before anybody waits: a file that is missing, a key that does not fit. What is asked for each time may
            // be mended meanwhile.
            if configuration.accessSource == nil { _ = try makeTLSContext(configuration.tls) }
        } catch {
            let failure = ZooKeeperError(code: .tlsFailed, message: "the TLS configuration cannot be used: \(error)")
            state.withLock { state in
                state.fatalError = failure
                state.machine.endReason = (failure.code, failure.message)
                state.endRequested = true
            }
        }
        while !isEnding {
            await pause(schedule.delay(using: &random))
            if isEnding { break }
            let server = schedule.nextServer()
            if await attempt(server) {
                schedule.sessionGranted()
            } else {
                schedule.attemptFailed()
            }
            if takeRefusal() { await pause(configuration.refusalPause) }
        }
        requestEnd()
        // The effects of the end happen on the event loop; they are done when this has been.
        try? await eventLoop.submit {}.get()
        if let error = state.withLock({ $0.fatalError }) { throw error }
    }

    private var isEnding: Bool { state.withLock { $0.endRequested } }

    /// Whether the last attempt ended with a refusal that need not be the last word.
    private func takeRefusal() -> Bool {
        state.withLock { state in
            defer { state.isRefused = false }
            return state.isRefused
        }
    }

    /// Waits, unless the end is requested first.
    private func pause(_ duration: Duration) async {
        guard duration > .zero else { return }
        let promise = eventLoop.makePromise(of: Void.self)
        let timer = eventLoop.scheduleTask(in: .nanoseconds(duration.wholeNanoseconds)) { promise.succeed() }
        setInterrupt { promise.succeed() }
        try? await promise.futureResult.get()
        timer.cancel()
        setInterrupt(nil)
    }

    /// Connects and stays until the connection is gone.
    ///
    /// - Returns: Whether a session was granted and lasted, or is to be asked for once more; a server that grants sessions and
    ///   hangs up is no better than one that cannot be reached.
    private func attempt(_ server: ServerAddress) async -> Bool {
        let timeout = state.withLock { $0.machine.connectTimeout }
        let maximumLength = configuration.maximumResponseLength
        let tls: NIOSSLContext?
        state.withLock { $0.server = server }
        do { try takeAccess() } catch {
            noteFailure(ConnectionFailure(kind: .authentication, server: server, message: "\(error)"))
            return false
        }
        do {
            tls = try makeTLSContext(state.withLock { $0.tls })
        } catch {
            noteFailure(ConnectionFailure(kind: .tls, server: server, message: "\(error)"))
            return false
        }
        let bootstrap = ClientBootstrap(group: eventLoop)
            .resolver(makeResolver?(eventLoop))
            .connectTimeout(.nanoseconds(timeout.wholeNanoseconds))
            .channelOption(ChannelOptions.socketOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls { try pipeline.addHandler(Self.tlsHandler(tls, host: server.host)) }
                    try pipeline.addHandler(
                        ConnectionHandler(core: self, maximumLength: maximumLength, isPlain: tls == nil))
                }
            }
        // The name is resolved anew by each attempt, and all its addresses are tried.
        let connected = bootstrap.connect(host: server.host, port: server.port)
        let outcome = eventLoop.makePromise(of: (any Channel)?.self)
        connected.map { $0 }.cascade(to: outcome)
        setInterrupt { outcome.succeed(nil) }
        defer { setInterrupt(nil) }
        do {
            guard let channel = try await outcome.futureResult.get() else {
                // Interrupted: whatever comes of the attempt is not wanted any more.
                connected.whenSuccess { $0.close(promise: nil) }
                return false
            }
            let start = ContinuousClock.now
            try await channel.closeFuture.get()
            if tls != nil { await explainCertificate(of: server, within: timeout) }
            logFailure()
            return state.withLock { state in
                let hasLasted = state.machine.takeGranted() && ContinuousClock.now - start > .seconds(1)
                return state.machine.takeGrantedLate() || hasLasted
            }
        } catch {
            noteFailure(ConnectionFailure(error, server: server, wasOpen: false, tls: nil))
            return false
        }
    }

    /// As whom, and with which certificates, the next connection is made.
    private func takeAccess() throws {
        guard let access = try configuration.accessSource?() else {
            return state.withLock { $0.tls = configuration.tls }
        }
        state.withLock { state in
            state.tls = access.tls
            state.machine.setCredentials(
                access.auth.map { AuthPacket(scheme: $0.scheme, auth: $0.credentials) }, access.sasl)
        }
    }

    /// When the server's certificate was not accepted, finds out what is wrong with it: the TLS library only says that it was
    /// not.
    private func explainCertificate(of server: ServerAddress, within limit: Duration) async {
        guard let failure = state.withLock({ $0.lastFailure }), failure.server == server, !isEnding,
            let objection = failure.certificateObjection
        else { return }
        let chain = await ServerCertificate.shown(
            by: server, on: eventLoop, resolver: makeResolver?(eventLoop), within: min(limit, .seconds(1)))
        guard let text = ServerCertificate.text(of: chain, objection, host: server.host, now: ServerCertificate.now)
        else { return }
        state.withLock { state in
            if state.lastFailure == failure { state.lastFailure?.message = text }
        }
    }

    private func makeTLSContext(_ tls: TLSConfiguration?) throws -> NIOSSLContext? {
        try tls.map { tls in
            var tls = tls
            // A connection is closed because its server is silent, or because all has been said: there is nothing to wait
            // for, and the time would be missing for finding another server before the session ends.
            tls.shutdownTimeout = min(tls.shutdownTimeout, .milliseconds(100))
            return try NIOSSLContext(configuration: tls)
        }
    }

    private func noteFailure(_ failure: ConnectionFailure) {
        state.withLock { $0.lastFailure = failure }
        logFailure()
    }

    /// A failure of a new kind is told at info level, its repetitions are not.
    private func logFailure() {
        let (failure, isNew) = state.withLock { state in
            defer { state.loggedFailure = state.lastFailure?.kind }
            return (state.lastFailure, state.loggedFailure != state.lastFailure?.kind)
        }
        guard let failure else { return }
        logger.log(
            level: isNew ? .info : .debug, "connection failed",
            metadata: [
                LogKey.server: "\(failure.server.map { "\($0)" } ?? "")", LogKey.reason: "\(failure.kind)",
                LogKey.error: "\(failure.message)",
            ])
    }

    /// What ``end()`` calls, so that nobody waits for it longer than needed; called at once when the end came before.
    private func setInterrupt(_ interrupt: (@Sendable () -> Void)?) {
        let tooLate = state.withLock { state in
            state.interrupt = interrupt
            return state.endRequested
        }
        if tooLate { interrupt?() }
    }

    private static func tlsHandler(_ context: NIOSSLContext, host: String) throws -> NIOSSLClientHandler {
        // A server name must not be an address; then the certificate is checked against the address.
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host)
    }
}
