import ZooKeeperProtocol

/// The four-letter words: what monitoring tools ask in plain text before any handshake.
extension Engine {
    /// The version that tools are told: the ZooKeeper whose behaviour this server has.
    static let version = "3.9.5-linekeeper"
    static let built = "built on linekeeper"
    static let fourLetterWords: Set<String> = [
        "conf", "cons", "crst", "dirs", "dump", "envi", "gtmk", "hash", "isro", "mntr", "ruok", "srst", "srvr", "stat",
        "stmk", "wchc", "wchp", "wchs",
    ]

    /// The answer to a word.
    ///
    /// - Parameters:
    ///   - argument: The eight bytes after `stmk`.
    ///   - context: What only the shell knows.
    func answer(_ word: String, argument: Int64? = nil, _ context: FourLetterContext, now: Now) -> String {
        guard context.allowed.contains(word) || context.allowed.contains("*") else {
            return "\(word) is not executed because it is not in the whitelist.\n"
        }
        switch word {
        case "ruok": return "imok"
        case "isro": return "rw"
        case "srvr": return versionLine + summary
        case "stat": return versionLine + "Clients:\n" + connectionLines(isShort: true) + summary
        case "cons": return connectionLines(isShort: false)
        case "mntr": return monitorValues(context, now).map { "zk_\($0.name)\t\($0.text)\n" }.joined()
        case "envi": return "Environment:\n" + environment.map { "\($0.0)=\($0.1)\n" }.joined()
        case "conf": return configuration(context).map { "\($0.0)=\($0.1)\n" }.joined()
        case "wchs":
            return "\(watchingConnections) connections watching \(watches.pathCount) paths\n"
                + "Total watches:\(watches.count)\n"
        case "wchc": return watchesBySession
        case "wchp": return watchesByPath
        case "dump": return sessionDump(now)
        case "dirs":
            let size = ProcessInformation.size(ofFilesIn: context.dataDirectory)
            return "datadir_size: \(size)\nlogdir_size: \(size)\n"
        case "srst":
            statistics.reset()
            return "Server stats reset.\n"
        case "crst":
            for client in clients.values { client.resetCounts() }
            return "Connection stats reset.\n"
        case "gtmk": return "\(statistics.traceMask)"
        case "stmk":
            if let argument { statistics.traceMask = argument }
            return "\(statistics.traceMask)"
        case "hash":
            return digests.entries.map { "\(String($0.zxid, radix: 16)): \(Int64(bitPattern: $0.digest))\n" }.joined()
        default: return "\(word) is not supported by this server.\n"
        }
    }

    private var versionLine: String { "Zookeeper version: \(Self.version), \(Self.built)\n" }

    private var summary: String {
        let latency = statistics.latency
        return """
            Latency min/avg/max: \(latency.minimum)/\(javaDouble(latency.average))/\(latency.maximum)
            Received: \(statistics.received &- statistics.receivedBefore)
            Sent: \(statistics.sent &- statistics.sentBefore)
            Connections: \(clients.count)
            Outstanding: \(outstanding)
            Zxid: \(hex(lastZxid))
            Mode: standalone
            Node count: \(tree.nodes.count)

            """
    }

    private func connectionLines(isShort: Bool) -> String {
        let (clients, more) = reportedClients
        var text = ""
        text.reserveCapacity(clients.count * 160)
        for client in clients { text += client.line(isShort: isShort) }
        return text + Self.remainder(more) + "\n"
    }

    static func remainder(_ count: Int) -> String { count > 0 ? " and \(count) more\n" : "" }

    var watchingConnections: Int { clients.values.count { $0.watchCount > 0 } }

    /// What `envi` and `/commands/environment` tell. Tools expect the Java names to be there.
    var environment: [(String, String)] {
        let system = ProcessInformation.system
        let megabytes = max(0, ProcessInformation.residentBytes) >> 20
        return [
            ("zookeeper.version", "\(Self.version), \(Self.built)"), ("host.name", ProcessInformation.hostName),
            ("java.version", "none"), ("java.vendor", "none"), ("java.home", ""), ("java.class.path", ""),
            ("java.library.path", ""), ("java.io.tmpdir", "/tmp"), ("java.compiler", "<NA>"),
            ("os.name", system.name), ("os.arch", system.machine == "x86_64" ? "amd64" : system.machine),
            ("os.version", system.release), ("user.name", ProcessInformation.userName),
            ("user.home", ProcessInformation.homeDirectory), ("user.dir", ProcessInformation.workingDirectory),
            ("os.memory.free", "0MB"), ("os.memory.max", "\(megabytes)MB"), ("os.memory.total", "\(megabytes)MB"),
        ]
    }

    private func configuration(_ context: FourLetterContext) -> [(String, String)] {
        let size = ProcessInformation.size(ofFilesIn: context.dataDirectory)
        return [
            ("clientPort", "\(context.clientPort)"), ("secureClientPort", "\(context.securePort)"),
            ("dataDir", context.dataDirectory), ("dataDirSize", "\(size)"), ("dataLogDir", context.dataDirectory),
            ("dataLogSize", "\(size)"), ("tickTime", "\(settings.tickMilliseconds)"),
            ("maxClientCnxns", "\(context.maxClientConnections)"),
            ("minSessionTimeout", "\(settings.minimumSessionTimeout)"),
            ("maxSessionTimeout", "\(settings.maximumSessionTimeout)"), ("clientPortListenBacklog", "1024"),
            ("serverId", "0"),
        ]
    }

    // MARK: Long lists

    private var watchesBySession: String {
        var text = ""
        var left = Self.reportLimit
        for client in reportedClients.clients where client.watchCount > 0 {
            guard let session = client.session else { continue }
            text += "\(hex(session.id))\n"
            for path in client.watchedPaths.prefix(left).map(\.string).sorted() { text += "\t\(path)\n" }
            left -= client.watchCount
            guard left > 0 else { return text + " and more\n\n" }
        }
        return text + "\n"
    }

    private var watchesByPath: String {
        let (entries, isWhole) = watches.watchers(limit: Self.reportLimit)
        var text = ""
        for entry in entries {
            text += "\(entry.path.string)\n"
            for client in entry.clients {
                if let session = client.session { text += "\t\(hex(session.id))\n" }
            }
        }
        return text + (isWhole ? "\n" : " and more\n\n")
    }

    private func sessionDump(_ now: Now) -> String {
        let bySecond = Dictionary(grouping: sessions.values.prefix(Self.reportLimit)) { session in
            (now.wallMilliseconds &+ session.deadline.milliseconds(since: now.instant)) / 1000
        }
        var text = "SessionTracker dump:\nSession Sets (\(bySecond.count))/(\(sessions.count)):\n"
        for (second, sessions) in bySecond.sorted(by: { $0.key < $1.key }) {
            text += "\(sessions.count) expire at \(javaDate(milliseconds: second &* 1000)):\n"
            for id in sessions.map(\.id).sorted() { text += "\t\(hex(id))\n" }
        }
        text += Self.remainder(sessions.count - Self.reportLimit)
        text += "ephemeral nodes dump:\nSessions with Ephemerals (\(tree.ephemerals.count)):\n"
        var left = Self.reportLimit
        for (id, paths) in tree.ephemerals.sorted(by: { $0.key < $1.key }) {
            text += "\(hex(id)):\n"
            for path in paths.prefix(left).map(\.string).sorted() { text += "\t\(path)\n" }
            left -= paths.count
            guard left > 0 else {
                text += " and more\n"
                break
            }
        }
        let (clients, more) = reportedClients
        text += "Connections dump:\nConnections Sets (1)/(\(clients.count + more)):\n"
        for client in clients {
            text += "\tip: /\(client.remoteAddress) sessionId: \(hex(client.session?.id ?? 0))\n"
        }
        return text + Self.remainder(more)
    }
}

/// What the four-letter words and commands tell of the world around the engine.
struct FourLetterContext: Sendable {
    var allowed: Set<String>
    var clientPort: Int
    /// −1: there is none.
    var securePort = -1
    var dataDirectory: String
    var maxClientConnections: Int
}
