import Foundation
import Primitives

/// One Apache ZooKeeper server from Debian's package, on a free port, with a folder of its own.
public final class ApacheZooKeeper: Sendable {
    public let port: Int
    private let folder: String
    private let configuration: String
    private let classPath: String
    private let running: ProcessSlot
    private let machineArguments: [String]

    /// What a server may be asked for beyond the plain one.
    public struct Options: Sendable {
        /// A port that speaks TLS, and with what it proves itself. Client certificates are looked at when offered.
        public var tls: (port: Int, certificates: TestCertificates)?
        /// User and password of SASL's DIGEST-MD5.
        public var sasl: (user: String, password: String)?
        /// Further lines of its configuration.
        public var settings: [String] = []
        /// Further system properties.
        public var properties: [String: String] = [:]
        /// Jars of another version than Debian's.
        public var classPath: String?

        public init() {}
    }

    /// `127.0.0.1:port`.
    public var connectString: String { "127.0.0.1:\(port)" }
    public var process: ChildProcess? { running.current }

    /// Starts a server below `scratch` and waits until it grants sessions.
    ///
    /// - Parameter tick: minimum session timeout is two of them, maximum twenty.
    public init(
        scratch: Scratch, name: String = "zookeeper", tick: Duration = .milliseconds(200),
        options: Options = Options()
    ) async throws {
        try Self.requireInstalled(withJars: options.classPath == nil)
        classPath = options.classPath ?? Self.debianClassPath
        port = try FreePort.tcp()
        folder = try scratch.folder(name)
        let milliseconds = tick.wholeMilliseconds
        let (lines, arguments) = try Self.security(options, scratch, name)
        machineArguments = arguments + options.properties.map { "-D\($0.key)=\($0.value)" }
        // forceSync stays on: the guarantees under test are those of a server that keeps what it acknowledged.
        configuration = try scratch.write(
            """
            tickTime=\(milliseconds)
            dataDir=\(folder)/data
            clientPort=\(port)
            clientPortAddress=127.0.0.1
            admin.enableServer=false
            4lw.commands.whitelist=*
            maxClientCnxns=0
            extendedTypesEnabled=true
            \((lines + options.settings).joined(separator: "\n"))

            """, to: name + "/zoo.cfg")
        running = ProcessSlot()
        try await start()
    }

    /// Starts it (again), on the same port with the same data, and waits until it grants sessions.
    public func start(within deadline: Duration = .seconds(40)) async throws {
        let process = try ChildProcess(
            name: "apache zookeeper", executable: Self.java,
            arguments: [
                "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j2.level=OFF",
                "-Dzookeeper.extendedTypesEnabled=true",
            ] + machineArguments + [
                "-cp", classPath, "org.apache.zookeeper.server.quorum.QuorumPeerMain", configuration,
            ], output: folder + "/log")
        running.current = process
        let end = ContinuousClock.now + deadline
        while true {
            if await grantsSessions() { return }
            guard process.isRunning, ContinuousClock.now < end else {
                throw FixtureError("ZooKeeper did not start\n" + process.report())
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// A clean stop.
    public func stop() async { await running.current?.end() }
    public func kill9() async { await running.current?.kill9() }
    public func pause() { running.current?.signal(SIGSTOP) }
    public func resume() { running.current?.signal(SIGCONT) }

    /// The version that it names in `srvr`, for example `3.8.0`.
    public func version() async -> String? {
        guard let socket = RawSocket(port: port) else { return nil }
        defer { socket.close() }
        guard socket.send(Array("srvr".utf8)), let answer = socket.receive(atLeast: 40, within: .seconds(5)) else {
            return nil
        }
        return String(decoding: answer, as: UTF8.self).split(separator: "Zookeeper version: ").first
            .flatMap { $0.split(whereSeparator: { $0 == "-" || $0 == "," }).first.map(String.init) }
    }

    private func grantsSessions() async -> Bool {
        // A ConnectRequest asking for a session; any answer that carries a session id other than 0 will do.
        var request: [UInt8] = [0, 0, 0, 44]
        request += [0, 0, 0, 0] + [UInt8](repeating: 0, count: 8) + [0, 0, 0x27, 0x10]
        request += [UInt8](repeating: 0, count: 8) + [0, 0, 0, 16] + [UInt8](repeating: 0, count: 16)
        guard let socket = RawSocket(port: port) else { return false }
        defer { socket.close() }
        guard socket.send(request), let answer = socket.receive(atLeast: 20, within: .seconds(2)) else { return false }
        // Length, protocol version, timeout, then the session id.
        return answer[12..<20].contains { $0 != 0 }
    }

    private static func security(
        _ options: Options, _ scratch: Scratch, _ name: String
    ) throws -> (configuration: [String], machine: [String]) {
        var configuration: [String] = []
        var machine: [String] = []
        if let (port, certificates) = options.tls {
            // One file with certificate and key is what it takes for a PEM key store.
            let parts = [certificates.serverKey, certificates.server].map {
                String(decoding: FileManager.default.contents(atPath: $0) ?? Data(), as: UTF8.self)
            }
            let store = try scratch.write(parts.joined(), to: name + "/server-with-key.pem")
            configuration += [
                "secureClientPort=\(port)", "secureClientPortAddress=127.0.0.1",
                "serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory",
                "ssl.keyStore.location=\(store)", "ssl.keyStore.type=PEM",
                "ssl.trustStore.location=\(certificates.authority)", "ssl.trustStore.type=PEM",
                "ssl.clientAuth=want", "ssl.hostnameVerification=false",
            ]
        }
        if let (user, password) = options.sasl {
            let login = try scratch.write(
                """
                Server {
                    org.apache.zookeeper.server.auth.DigestLoginModule required user_\(user)="\(password)";
                };

                """, to: name + "/jaas.conf")
            configuration.append("authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider")
            machine.append("-Djava.security.auth.login.config=\(login)")
        }
        return (configuration, machine)
    }

    private static let java = "/usr/bin/java"
    private static let jars = ["zookeeper", "zookeeper-jute", "slf4j-api", "slf4j-nop", "metrics-core", "snappy-java"]
    private static var debianClassPath: String {
        let folder = "/usr/share/java/"
        let netty = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter {
            $0.hasPrefix("netty-") && $0.hasSuffix(".jar") && !$0.contains("4.") && $0 != "netty-all.jar"
        }
        return (jars.map { $0 + ".jar" } + netty.sorted()).map { folder + $0 }.joined(separator: ":")
    }

    private static func requireInstalled(withJars: Bool) throws {
        let files = withJars ? [java, "/usr/share/java/zookeeper.jar"] : [java]
        guard files.allSatisfy(FileManager.default.fileExists(atPath:)) else {
            throw FixtureError("Apache ZooKeeper is not installed; install it with: apt-get install zookeeper")
        }
    }
}
