public import Logging
public import NIOCore
import NIOPosix
import NIOSSL
import Primitives
public import ServiceLifecycle
import Synchronization
import ZooKeeperProtocol

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A single ZooKeeper server in this process: the same wire protocol, durable on one machine, no JVM.
///
/// A write is answered only once it would survive a loss of power. Restarting on the same directory brings back the tree
/// and all sessions, each with its full timeout. What it does not do is replicate: for that, run a ZooKeeper ensemble.
public final class EmbeddedServer: Service, Sendable {
    private enum State {
        case idle(waiters: [CheckedContinuation<[SocketAddress], any Error>])
        case listening([SocketAddress])
        case ended(any Error)
    }

    private struct Users {
        var current: SASLUsers?
        /// Tells the core of others; nil while there is none.
        var tell: (@Sendable (SASLUsers) -> Void)?
    }

    private let configuration: Configuration
    private let logger: Logger
    private let limits: ServerCore.Limits
    private let state = Mutex(State.idle(waiters: []))
    private let certificates = Mutex<CertificateKeeper?>(nil)
    private let users: Mutex<Users>
    private let boundAdminAddress = Mutex<SocketAddress?>(nil)
    private let makeStorage: @Sendable (DataDirectory) throws -> any TreeStorage

    /// Makes a server; ``run()`` starts it.
    public convenience init(configuration: Configuration, logger: Logger) {
        self.init(configuration: configuration, logger: logger, limits: .init()) { [configuration] directory in
            var options = TreeStore.Options()
            options.log.segmentBytes = configuration.logSegmentBytes
            options.logger = logger
            return try TreeStore(directory: directory, options: options)
        }
    }

    init(
        configuration: Configuration, logger: Logger, limits: ServerCore.Limits,
        makeStorage: @escaping @Sendable (DataDirectory) throws -> any TreeStorage
    ) {
        self.configuration = configuration
        users = Mutex(Users(current: configuration.saslUsers))
        self.logger = logger
        self.limits = configuration.applied(to: limits)
        self.makeStorage = makeStorage
    }

    /// Serves until graceful shutdown or cancellation; then closes the connections, writes what is pending and lets go of
    /// the directory. Sessions are kept for the next start.
    ///
    /// - Throws: ``EmbeddedServerError`` when the directory is in use or damaged, or an address cannot be bound.
    public func run() async throws {
        do {
            try await serve()
            end(CancellationError())
        } catch {
            end(error)
            throw error
        }
    }

    /// Returns the addresses once the server accepts connections; with port 0 the ones that the system chose.
    /// Those without TLS come first, each group in the order of the configuration.
    ///
    /// - Throws: What ``run()`` threw, when it ended before.
    public func waitUntilListening() async throws -> [SocketAddress] {
        try await withCheckedThrowingContinuation { continuation in
            let result: Result<[SocketAddress], any Error>? = state.withLock { state in
                switch state {
                case .idle(let waiters):
                    state = .idle(waiters: waiters + [continuation])
                    return nil
                case .listening(let addresses): return .success(addresses)
                case .ended(let error): return .failure(error)
                }
            }
            if let result { continuation.resume(with: result) }
        }
    }

    /// Where HTTP is answered; known once ``waitUntilListening()`` has returned. `nil` without an admin listener.
    public var adminAddress: SocketAddress? { boundAdminAddress.withLock { $0 } }

    /// Reads the certificate files again, as the server does by itself within seconds after one has changed. Those that
    /// cannot be used are refused with a warning, and the former ones stay. Connections that are there are not touched.
    public func reloadCertificates() {
        guard let keeper = certificates.withLock({ $0 }) else { return }
        NIOThreadPool.singleton.submit { _ in keeper.reload(unchanged: true) }
    }

    /// Lets these users, and no others, prove themselves by SASL from now on. A connection that has done so stays who it is.
    /// A server that was made without users goes on without.
    public func replaceSASLUsers(_ replacement: SASLUsers) {
        users.withLock { users in
            guard users.current != nil else { return }
            users.current = replacement
            users.tell?(replacement)
        }
    }

    /// How often it is looked whether certificates have changed.
    private static let certificateInterval = TimeAmount.seconds(2)

    /// Lets this process open as many files and sockets as the system allows it at all; a connection takes one.
    ///
    /// For programs that mean to serve thousands of connections; many systems start a process with 1,024.
    public static func raiseFileDescriptorLimit() {
        ProcessInformation.raiseFileDescriptorLimit()
    }

    private func end(_ error: any Error) {
        let waiters = state.withLock { state -> [CheckedContinuation<[SocketAddress], any Error>] in
            defer { state = .ended(error) }
            if case .idle(let waiters) = state { return waiters }
            return []
        }
        for waiter in waiters { waiter.resume(throwing: error) }
    }

    private func serve() async throws {
        // Before the directory is touched: a mistake in the configuration should cost nothing.
        let tls = try checkedConfiguration()
        if !FileContent.exists(configuration.dataDirectory) { try await checkAddresses() }
        let (storage, recovered) = try await openStorage()
        defer { storage.close() }
        logger.info(
            "tree recovered",
            metadata: [
                "nodes": "\(recovered.nodes.count)", "sessions": "\(recovered.sessions.count)",
                "zxid": "\(hex(recovered.lastZxid))", "start": "\(hex(recovered.startZxid))",
            ])
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            try await serve(storage, recovered, tls: tls, on: group)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
    }

    /// What can be found wrong before anything is done.
    private func checkedConfiguration() throws -> CertificateKeeper? {
        for name in configuration.superusers {
            guard let identity = Identity(schemeAndID: name), identity.scheme == "sasl" || identity.scheme == "x509"
            else {
                throw EmbeddedServerError("\(name) cannot be a superuser; expected sasl:USER or x509:SUBJECT")
            }
        }
        guard !configuration.requiresSASL || configuration.saslUsers != nil else {
            throw EmbeddedServerError("SASL is required, but nobody is there who could go through it: name the users")
        }
        var taken: Set<HostAndPort> = []
        for address in allAddresses where address.port != 0 && !taken.insert(address).inserted {
            throw EmbeddedServerError("\(address) is given twice: each listener needs an address of its own")
        }
        let keeper = try configuration.tls.map { try CertificateKeeper($0, logger: logger) }
        certificates.withLock { $0 = keeper }
        return keeper
    }

    private var allAddresses: [HostAndPort] {
        configuration.listen + (configuration.tls?.listen ?? []) + (configuration.adminListen.map { [$0] } ?? [])
    }

    /// Before a directory is made that a mistyped address would leave behind. Where there is one already, who else may be
    /// using it is the better message.
    private func checkAddresses() async throws {
        for address in allAddresses {
            do {
                try await NIOThreadPool.singleton.runIfActive { try address.checkIsFree() }
            } catch {
                throw EmbeddedServerError(cannotListenOn: address, error)
            }
        }
    }

    private func openStorage() async throws -> (any TreeStorage, RecoveredState) {
        let path = configuration.dataDirectory
        let makeStorage = makeStorage
        let logger = logger
        do {
            return try await NIOThreadPool.singleton.runIfActive {
                let directory = try DataDirectory(path)
                if directory.isWritableByOthers {
                    logger.warning(
                        "everybody on this machine may write into the data directory, and so replace the tree; chmod o-w",
                        metadata: ["path": "\(path)"])
                }
                let storage = try makeStorage(directory)
                do {
                    return (storage, try storage.recover())
                } catch {
                    storage.close()
                    throw error
                }
            }
        } catch let error as RecoveryError {
            throw EmbeddedServerError(error.description)
        } catch let error as StorageError where error.isOutOfSpace {
            throw EmbeddedServerError(
                "the data directory \(path) cannot be used: \(error). There is no log in it that could be gone on with: make "
                    + "room for at least \(configuration.logSegmentBytes) bytes, and start again.")
        } catch {
            throw EmbeddedServerError("the data directory \(path) cannot be used: \(error)")
        }
    }

    private func serve(
        _ storage: any TreeStorage, _ recovered: RecoveredState, tls: CertificateKeeper?,
        on group: MultiThreadedEventLoopGroup
    ) async throws {
        let loop = group.next()
        let settings = configuration.engineSettings
        let context = FourLetterContext(
            allowed: configuration.fourLetterWords, clientPort: configuration.listen.first?.port ?? 0,
            dataDirectory: configuration.dataDirectory, maxClientConnections: configuration.maxClientConnections)
        let limits = limits
        let logger = logger
        let (failures, failure) = AsyncStream.makeStream(of: (any Error).self, bufferingPolicy: .bufferingNewest(1))
        let core: NIOLoopBound<ServerCore>
        do {
            core = try await loop.submit {
                let engine = try Engine(recovered: recovered, settings: settings, now: systemNow())
                let core = ServerCore(
                    engine: engine, storage: storage, eventLoop: loop, limits: limits, context: context,
                    logger: logger, clock: systemNow)
                core.onFailure = { failure.yield($0) }
                return NIOLoopBound(core, eventLoop: loop)
            }.get()
        } catch let error as RecoveryError {
            throw EmbeddedServerError(error.description)
        }
        users.withLock { users in
            users.tell = { users in loop.execute { core.value.setSASLUsers(users) } }
            // They may have been replaced since it was made.
            if let current = users.current { users.tell?(current) }
        }
        defer { users.withLock { $0.tell = nil } }
        var listeners: [any Channel] = []
        var admin: (any Channel)?
        do {
            for address in configuration.listen {
                listeners.append(try await bind(address, core, on: loop, tls: nil))
            }
            for address in configuration.tls?.listen ?? [] {
                listeners.append(try await bind(address, core, on: loop, tls: tls))
            }
            if let address = configuration.adminListen {
                admin = try await bindAdmin(address, core, on: loop)
            }
        } catch {
            for listener in listeners { try? await listener.close() }
            throw error
        }
        if let admin {
            logger.info("answering HTTP", metadata: ["address": "\(admin.localAddress.map { "\($0)" } ?? "?")"])
            boundAdminAddress.withLock { $0 = admin.localAddress }
        }
        let sweepInterval = TimeAmount.nanoseconds(configuration.containerSweepInterval.wholeNanoseconds)
        let addresses = listeners.compactMap(\.localAddress)
        let plain = listeners.prefix(configuration.listen.count).first?.localAddress?.port
        let secure = listeners.dropFirst(configuration.listen.count).first?.localAddress?.port
        try await loop.submit {
            core.value.context.clientPort = plain ?? 0
            core.value.context.securePort = secure ?? -1
            core.value.start(sweepInterval: sweepInterval)
        }.get()
        let waiters = state.withLock { state -> [CheckedContinuation<[SocketAddress], any Error>] in
            defer { state = .listening(addresses) }
            if case .idle(let waiters) = state { return waiters }
            return []
        }
        for waiter in waiters { waiter.resume(returning: addresses) }
        logger.info("listening", metadata: ["addresses": "\(addresses)"])

        let watching = tls.map { tls in
            loop.scheduleRepeatedTask(initialDelay: Self.certificateInterval, delay: Self.certificateInterval) { _ in
                NIOThreadPool.singleton.submit { _ in tls.reload(unchanged: false) }
            }
        }
        let failed = await withGracefulShutdownHandler {
            for await error in failures { return error as (any Error)? }
            return nil
        } onGracefulShutdown: {
            failure.finish()
        }
        watching?.cancel()
        for listener in listeners { try? await listener.close() }
        try? await admin?.close()
        let stopped = try await loop.submit { core.value.stop() }.get()
        try await stopped.get()
        if let failed { throw EmbeddedServerError("the tree cannot be served any more: \(failed)") }
    }

    private func bind(
        _ address: HostAndPort, _ core: NIOLoopBound<ServerCore>, on loop: any EventLoop, tls: CertificateKeeper?
    ) async throws -> any Channel {
        do {
            return try await ServerBootstrap(group: loop)
                .serverChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pause = AcceptPause { core.value.noteOutOfDescriptors() }
                        try channel.pipeline.syncOperations.addHandler(pause, position: .first)
                    }
                }
                .serverChannelOption(.backlog, value: 1024)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelOption(
                    .recvAllocator,
                    // Each connection keeps its buffer; most only ping, and for those that send it doubles with each read.
                    value: AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 512, maximum: 1 << 18)
                )
                .childChannelOption(
                    .writeBufferWaterMark, value: ChannelOptions.Types.WriteBufferWaterMark(low: 1 << 20, high: 4 << 20)
                )
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let connection = ConnectionHandler(core: core.value, isPlain: tls == nil)
                        if let tls {
                            let certificates = ClientCertificateHandler(connection: connection, core: core.value)
                            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls.context))
                            try channel.pipeline.syncOperations.addHandler(certificates)
                        }
                        try channel.pipeline.syncOperations.addHandler(connection)
                    }
                }
                .bind(host: address.host, port: address.port).get()
        } catch {
            throw EmbeddedServerError(cannotListenOn: address, error)
        }
    }
}

@Sendable
private func systemNow() -> Now {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Now(
        instant: Instant(nanoseconds: Int64(clamping: NIODeadline.now().uptimeNanoseconds)),
        wallMilliseconds: Int64(time.tv_sec) &* 1000 &+ Int64(time.tv_nsec) / 1_000_000)
}
