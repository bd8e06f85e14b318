public import Glibc
import Synchronization

/// A real mosquitto on a free port of the loopback address, with a data folder of its own.
///
/// It is started by ``init(_:)``, can be stopped, paused, killed and started again on the same port, and is ended with
/// its data removed when the last reference goes.
public final class Mosquitto: Sendable {
    /// What a broker is started with.
    public struct Options: Sendable {
        /// Keeps sessions and retained messages over a ``Mosquitto/stop()`` and ``Mosquitto/start()``.
        public var persistence = true
        /// Users that may connect; none: anonymous clients may.
        public var users: [String: String] = [:]
        /// Serves TLS on the port instead of plain TCP, with these files.
        public var tls: TestCertificates?
        /// With ``tls``: the certificate names another host than the one that clients connect to.
        public var serverHasOtherName = false
        /// With ``tls``: only clients with a certificate of the same authority may connect.
        public var requireClientCertificate = false
        /// More lines of `mosquitto.conf`.
        public var extra: [String] = []

        public init() {}
    }

    /// The package that a machine without the broker lacks.
    public static let install = "apt-get install mosquitto libmosquitto-dev"

    public let port: Int
    public let folder: String
    private let configurationPath: String
    private let process: Mutex<ChildProcess?>

    /// Starts a broker and returns when it accepts connections.
    public init(_ options: Options = Options()) async throws {
        guard ChildProcess.find("mosquitto") != nil else {
            throw FixtureError("mosquitto is not installed: \(Mosquitto.install)")
        }
        port = try FreePort.tcp()
        folder = try makeTemporaryFolder("mosquitto")
        configurationPath = "\(folder)/mosquitto.conf"
        process = Mutex(nil)
        try await writeConfiguration(options)
        try await start()
    }

    deinit {
        stop()
        removeAll(folder)
    }

    /// `mqtt://127.0.0.1:port` (`mqtts://` with TLS is up to the caller, who knows the certificates).
    public var url: String { "mqtt://127.0.0.1:\(port)" }

    /// What the broker has logged since it was first started.
    public var log: String { (try? readTextFile("\(folder)/log")) ?? "" }

    /// The broker's process, nil while it is stopped.
    public var pid: pid_t? { process.withLock { $0?.pid } }

    /// Starts the broker again on the same port, with the data that it kept.
    public func start() async throws {
        let child = try ChildProcess(
            "mosquitto", ["-c", configurationPath], logPath: "\(folder)/log", install: Mosquitto.install)
        process.withLock { $0 = child }
        try await eventually("mosquitto on port \(port)", seen: { self.log }) {
            if let status = child.exitStatus { throw FixtureError("mosquitto ended with \(status): \(self.log)") }
            // Somebody else might listen there: what counts is that this one says it does.
            return self.log.contains("mosquitto version") && FreePort.isListening(self.port) && child.isRunning
        }
    }

    /// Ends the broker with `signal`: SIGTERM saves its data, SIGKILL does not. Blocks until it has ended.
    public func stop(_ signal: Int32 = SIGTERM) {
        let child = process.withLock { child -> ChildProcess? in
            defer { child = nil }
            return child
        }
        child?.stop(signal)
    }

    /// Freezes the broker: connections stay open and nothing answers.
    public func pause() { process.withLock { $0?.signal(SIGSTOP) } }

    /// Lets a paused broker continue.
    public func resume() { process.withLock { $0?.signal(SIGCONT) } }

    private func writeConfiguration(_ options: Options) async throws {
        var lines = [
            "listener \(port) 127.0.0.1",
            "allow_anonymous \(options.users.isEmpty)",
            "persistence \(options.persistence)",
            "persistence_location \(folder)/",
            "autosave_interval 1",
            "max_queued_messages 0",
            "log_type all",
            "log_timestamp_format %H:%M:%S",
        ]
        // Started by root it would change to the user mosquitto, who may not write here.
        if getuid() == 0 { lines.append("user root") }
        if let tls = options.tls {
            let other = options.serverHasOtherName
            lines.append("cafile \(tls.authority)")
            lines.append("certfile \(other ? tls.otherServer : tls.server)")
            lines.append("keyfile \(other ? tls.otherServerKey : tls.serverKey)")
            lines.append("require_certificate \(options.requireClientCertificate)")
        }
        if !options.users.isEmpty {
            let passwords = "\(folder)/passwords"
            try writeTextFile(
                passwords, options.users.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)\n" }.joined(),
                mode: 0o600)
            // Replaces the plain passwords by their hashes.
            let hashed = try ChildProcess(
                "mosquitto_passwd", ["-U", passwords], logPath: "\(folder)/passwd.log", install: Mosquitto.install)
            try await eventually("the hashed passwords", seen: { hashed.log }) { !hashed.isRunning }
            guard hashed.exitStatus == 0 else { throw FixtureError("mosquitto_passwd: \(hashed.log)") }
            lines.append("password_file \(passwords)")
        }
        try writeTextFile(configurationPath, (lines + options.extra).joined(separator: "\n") + "\n")
    }
}
