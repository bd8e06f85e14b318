import ArgumentParser
import EmbeddedZooKeeper
import Primitives

/// Which server is to be run.
struct TreeServeOptions: ParsableArguments {
    @Option(
        name: .long, help: ArgumentHelp("The folder that holds the tree; made when it is missing.", valueName: "dir"))
    var data: String

    @Option(
        name: .long,
        help: ArgumentHelp(
            """
            Where to listen; may be given several times. Default: 127.0.0.1:2181, unless --tls-listen is given. Port 0 \
            takes a free one.
            """,
            valueName: "host:port"))
    var listen: [String] = []

    @Option(
        name: .long,
        help: ArgumentHelp("The unit of time: session timeouts lie between 2 and 20 ticks.", valueName: "n"))
    var tickMs = 2000

    @Option(
        name: .long,
        help: ArgumentHelp("Who may do everything: user:base64(sha1(user:password)).", valueName: "id"))
    var superDigest: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Four-letter words that are answered, separated by commas; '*' for all.", valueName: "list"))
    var fourLetterWords = "srvr,isro"

    @Option(
        name: .long,
        help: ArgumentHelp("Connections from one address; 0 for any number.", valueName: "n"))
    var maxClientConnections = 60

    @Option(
        name: .long,
        help: ArgumentHelp(
            "How often to remove containers no longer used and nodes that outlived their time.", valueName: "n"))
    var containerSweepMs = 1000

    @Option(
        name: .long,
        help: ArgumentHelp(
            "How many bytes of log pile up before a checkpoint; for tests.", valueName: "n", visibility: .hidden))
    var checkpointLogBytes: Int?

    @OptionGroup(title: "Who may come in") var security: TreeSecurityOptions

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Connections in all; 0 for as many as the system lets this process open.", valueName: "n"))
    var maxConnections = 0

    @Option(
        name: .long,
        help: ArgumentHelp(
            """
            The longest request in bytes; a longer one is answered with an error. Set the same for clients \
            (jute.maxbuffer).
            """, valueName: "n"))
    var maxFrameBytes = 0xFFFFF

    @Flag(
        name: .long,
        help: "Refuse what would exceed a hard quota. Without it hard quotas only warn, as ZooKeeper's do by default.")
    var enforceQuota = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            """
            Answer HTTP there: /commands, /metrics (Prometheus), /health (200 while the tree is served, also when the disk \
            is full: then it says so in place of ok). It asks nobody who they are: use a loopback address such as \
            127.0.0.1:8080. Off unless given.
            """, valueName: "host:port"))
    var adminListen: String?

    func validate() throws {
        guard !data.isEmpty else { throw ValidationError("--data is empty; expected the folder that holds the tree") }
        _ = try addresses()
        guard (10...60_000).contains(tickMs) else {
            throw ValidationError("--tick-ms is \(tickMs); expected 10 to 60000")
        }
        guard (checkpointLogBytes ?? 1) > 0 else { throw ValidationError("--checkpoint-log-bytes must be positive") }
        guard maxClientConnections >= 0 else { throw ValidationError("--max-client-connections must not be negative") }
        guard (10...86_400_000).contains(containerSweepMs) else {
            throw ValidationError("--container-sweep-ms is \(containerSweepMs); expected 10 to 86400000 (a day)")
        }
        guard maxConnections >= 0 else { throw ValidationError("--max-connections must not be negative") }
        guard (1024...(64 << 20)).contains(maxFrameBytes) else {
            throw ValidationError("--max-frame-bytes is \(maxFrameBytes); expected 1024 to \(64 << 20)")
        }
        _ = try adminAddress()
        let unknown = words.filter { $0 != "*" && !EmbeddedServer.fourLetterWords.contains($0) }
        guard unknown.isEmpty else {
            throw ValidationError(
                "--four-letter-words: nobody knows \(unknown.joined(separator: ", ")); expected '*' or some of "
                    + EmbeddedServer.fourLetterWords.sorted().joined(separator: ","))
        }
        if let superDigest, !EmbeddedServer.isDigestID(superDigest) {
            throw ValidationError(
                "--super-digest is not of the form user:base64(sha1(user:password)), such as "
                    + "super:D/InIHSb7yEEbrWz8b9l71RjZJU=")
        }
    }

    /// The server that the options describe.
    ///
    /// - Throws: ``CommandFailure`` when the file of users cannot be used.
    func configuration() throws -> EmbeddedServer.Configuration {
        var configuration = EmbeddedServer.Configuration(
            dataDirectory: data, listen: try addresses(), tick: .milliseconds(tickMs), superDigest: superDigest,
            fourLetterWords: Set(words), maxClientConnections: maxClientConnections)
        if let checkpointLogBytes { configuration.checkpointLogBytes = checkpointLogBytes }
        configuration.containerSweepInterval = .milliseconds(containerSweepMs)
        try security.apply(to: &configuration)
        configuration.maxConnections = maxConnections
        configuration.maxFrameBytes = maxFrameBytes
        configuration.enforcesQuota = enforceQuota
        configuration.adminListen = try adminAddress()
        return configuration
    }

    private var words: [String] {
        fourLetterWords.split(separator: ",").map { String($0.filter { $0 != " " }) }
    }

    private func addresses() throws -> [HostAndPort] {
        let listen = listen.isEmpty && security.tlsListen.isEmpty ? ["127.0.0.1:2181"] : listen
        return try listen.map { try HostAndPort(option: "--listen", $0) }
    }

    private func adminAddress() throws -> HostAndPort? {
        try adminListen.map { text in
            guard let address = HostAndPort(text, defaultPort: 8080) else {
                throw ValidationError("--admin-listen is \"\(text)\"; expected HOST:PORT, such as 127.0.0.1:8080")
            }
            return address
        }
    }
}
