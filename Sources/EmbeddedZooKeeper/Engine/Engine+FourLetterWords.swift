import ZooKeeperProtocol

/// The four-letter words: what monitoring tools ask in plain text before any handshake.
extension Engine {
    /// The version that tools are told: the ZooKeeper whose behaviour this server has.
    static let version = "3.9.5-linekeeper"
    static let fourLetterWords: Set<String> = [
        "conf", "cons", "crst", "dirs", "dump", "envi", "gtmk", "hash", "isro", "mntr", "ruok", "srst", "srvr", "stat",
        "stmk", "wchc", "wchp", "wchs",
    ]

    /// The answer to a word.
    ///
    /// - Parameter context: What only the shell knows.
    func answer(_ word: String, _ context: FourLetterContext, now: Now) -> String {
        guard context.allowed.contains(word) || context.allowed.contains("*") else {
            return "\(word) is not executed because it is not in the whitelist.\n"
        }
        switch word {
        case "ruok": return "imok"
        case "isro": return "rw"
        case "srvr": return serverSummary
        case "stat": return statistics(withConnections: true)
        case "cons": return connectionLines
        case "mntr": return monitorValues(now)
        case "envi": return environment
        case "conf": return configuration(context)
        case "wchs":
            let summary = watches.summary
            return
                "\(summary.connections) connections watching \(summary.paths) paths\nTotal watches:\(summary.watches)\n"
        case "dump": return sessionDump
        case "dirs": return "datadir_size: \(tree.approximateDataSize)\nlogdir_size: 0\n"
        case "srst":
            let started = statistics.started
            statistics = Statistics()
            statistics.started = started
            return "Server stats reset.\n"
        default: return "\(word) is not supported by this server.\n"
        }
    }

    private var versionLine: String { "Zookeeper version: \(Self.version), built on linekeeper\n" }

    private var serverSummary: String { versionLine + statistics(withConnections: false) }

    private func statistics(withConnections: Bool) -> String {
        let latency =
            "\(statistics.minimumLatencyMilliseconds)/\(fixed(statistics.averageLatencyMilliseconds))"
            + "/\(statistics.maximumLatencyMilliseconds)"
        return (withConnections ? versionLine + "Clients:\n" + connectionLines : "")
            + """
            Latency min/avg/max: \(latency)
            Received: \(statistics.received)
            Sent: \(statistics.sent)
            Connections: \(clients.count)
            Outstanding: \(outstanding)
            Zxid: \(hex(lastZxid))
            Mode: standalone
            Node count: \(tree.nodes.count)

            """
    }

    private var outstanding: Int { clients.values.reduce(0) { $0 + $1.gatedAnswers } }

    private var connectionLines: String {
        clients.values.sorted { $0.number < $1.number }.map { client in
            let session = client.session.map { ",sid=\(hex($0.id)),to=\($0.timeoutMilliseconds)" } ?? ""
            return " /\(client.address)[1](queued=\(client.gatedAnswers),recved=\(client.received),"
                + "sent=\(client.sent)\(session))\n"
        }.joined() + "\n"
    }

    private func monitorValues(_ now: Now) -> String {
        let ephemerals = tree.ephemerals.values.reduce(0) { $0 + $1.count }
        let values: [(String, String)] = [
            ("zk_version", "\(Self.version), built on linekeeper"), ("zk_server_state", "standalone"),
            ("zk_uptime", "\(now.instant.milliseconds(since: statistics.started.instant))"),
            ("zk_avg_latency", fixed(statistics.averageLatencyMilliseconds)),
            ("zk_min_latency", "\(statistics.minimumLatencyMilliseconds)"),
            ("zk_max_latency", "\(statistics.maximumLatencyMilliseconds)"),
            ("zk_packets_received", "\(statistics.received)"), ("zk_packets_sent", "\(statistics.sent)"),
            ("zk_num_alive_connections", "\(clients.count)"), ("zk_outstanding_requests", "\(outstanding)"),
            ("zk_znode_count", "\(tree.nodes.count)"), ("zk_watch_count", "\(watches.summary.watches)"),
            ("zk_ephemerals_count", "\(ephemerals)"), ("zk_approximate_data_size", "\(tree.approximateDataSize)"),
            ("zk_global_sessions", "\(sessions.count)"), ("zk_local_sessions", "0"),
            ("zk_stale_sessions_expired", "\(statistics.expired)"), ("zk_log_batches", "\(statistics.batches)"),
            ("zk_log_records", "\(statistics.records)"), ("zk_process_stalls", "\(statistics.stalls)"),
        ]
        return values.map { "\($0.0)\t\($0.1)\n" }.joined()
    }

    private var environment: String {
        """
        Environment:
        zookeeper.version=\(Self.version), built on linekeeper
        host.name=localhost
        java.version=none
        java.vendor=none
        os.name=Linux

        """
    }

    private func configuration(_ context: FourLetterContext) -> String {
        """
        clientPort=\(context.clientPort)
        dataDir=\(context.dataDirectory)
        dataLogDir=\(context.dataDirectory)
        tickTime=\(settings.tickMilliseconds)
        maxClientCnxns=\(context.maxClientConnections)
        minSessionTimeout=\(settings.minimumSessionTimeout)
        maxSessionTimeout=\(settings.maximumSessionTimeout)
        serverId=0

        """
    }

    private var sessionDump: String {
        var text = "SessionTracker dump:\nSession Sets (\(sessions.count)):\n"
        for id in sessions.keys.sorted() { text += "\t\(hex(id))\n" }
        text += "ephemeral nodes dump:\nSessions with Ephemerals (\(tree.ephemerals.count)):\n"
        for (id, paths) in tree.ephemerals.sorted(by: { $0.key < $1.key }) {
            text += "\(hex(id)):\n"
            for path in paths.map(\.string).sorted() { text += "\t\(path)\n" }
        }
        text += "Connections dump:\nConnections Sets (\(clients.count)):\n"
        return text
    }

    private func fixed(_ value: Double) -> String {
        let thousandths = Int64((value * 1000).rounded())
        let fraction = String(thousandths % 1000)
        return "\(thousandths / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
    }
}

/// What the four-letter words tell of the world around the engine.
struct FourLetterContext: Sendable {
    var allowed: Set<String>
    var clientPort: Int
    var dataDirectory: String
    var maxClientConnections: Int
}
