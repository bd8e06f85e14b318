import ZooKeeperProtocol

/// The answers of the admin commands, with the keys of ZooKeeper's admin server.
extension Engine {
    typealias Members = [(String, JSONText)]

    func members(
        of command: AdminCommand, query: [String: String], _ context: FourLetterContext, _ now: Now
    ) throws(AdminRefusal) -> Members {
        switch command {
        case .ruok, .observerConnectionStatReset: return []
        case .configuration: return configurationMembers(context)
        case .connections:
            return connectionMembers(isShort: false)
        case .connectionStatReset:
            for client in clients.values { client.resetCounts() }
            return []
        case .statReset:
            statistics.reset()
            return []
        case .dirs:
            let size = ProcessInformation.size(ofFilesIn: context.dataDirectory)
            return [("datadir_size", .number(size)), ("logdir_size", .number(size))]
        case .dump: return dumpMembers(now)
        case .environment: return environment.map { ($0.0, .string($0.1)) }
        case .getTraceMask: return [("tracemask", .integer(statistics.traceMask))]
        case .setTraceMask:
            guard let mask = query["traceMask"].flatMap({ Int64($0) }) else {
                throw AdminRefusal(reason: "setTraceMask requires long traceMask argument")
            }
            statistics.traceMask = mask
            return [("tracemask", .integer(mask))]
        case .hash:
            let digests = digests.entries.map {
                JSONText.object([
                    ("zxid", .integer($0.zxid)), ("digest", .integer(Int64(bitPattern: $0.digest))),
                    ("digestVersion", .integer(DigestHistory.version)),
                ])
            }
            return [("digests", .array(digests))]
        case .initialConfiguration: return [("initial_configuration", .string(initialConfiguration(context)))]
        case .isReadOnly: return [("read_only", .bool(false))]
        case .lastSnapshot:
            return [("zxid", .string(hexDigits(durableZxid))), ("timestamp", .integer(now.wallMilliseconds / 1000))]
        case .leader, .zabstate: throw AdminRefusal(reason: "server is not initialized")
        case .monitor: return monitorValues(context, now).map { ($0.name, $0.json) }
        case .observers: return [("synced_observers", .integer(0)), ("observers", .array([]))]
        case .quotas: return [("quotas", .array(quotaMembers))]
        case .restore: throw AdminRefusal(reason: "not offered here; use: linekeeper tree restore")
        case .snapshot: throw AdminRefusal(reason: "not offered here; use: linekeeper tree backup")
        case .serverStats: return statsMembers(context, now)
        case .stats: return statsMembers(context, now) + connectionMembers(isShort: true)
        case .systemProperties:
            return environment.filter { !$0.0.hasPrefix("zookeeper.") }.map { ($0.0, .string($0.1)) }
        case .votingView: return [("current_config", .object([]))]
        case .watchSummary:
            return [
                ("num_connections", .number(watchingConnections)), ("num_paths", .number(watches.pathCount)),
                ("num_total_watches", .number(watches.count)),
            ]
        case .watches: return watchesMembers
        case .watchesByPath: return watchesByPathMembers
        }
    }

    private func configurationMembers(_ context: FourLetterContext) -> Members {
        [
            ("client_port", .number(context.clientPort)), ("data_dir", .string(context.dataDirectory)),
            ("data_log_dir", .string(context.dataDirectory)), ("tick_time", .integer(settings.tickMilliseconds)),
            ("max_client_cnxns", .number(context.maxClientConnections)),
            ("min_session_timeout", .integer(settings.minimumSessionTimeout)),
            ("max_session_timeout", .integer(settings.maximumSessionTimeout)), ("server_id", .integer(0)),
            ("client_port_listen_backlog", .integer(1024)),
        ]
    }

    private func initialConfiguration(_ context: FourLetterContext) -> String {
        """
        tickTime=\(settings.tickMilliseconds)
        dataDir=\(context.dataDirectory)
        clientPort=\(context.clientPort)
        maxClientCnxns=\(context.maxClientConnections)
        enforceQuota=\(settings.enforcesQuota)
        4lw.commands.whitelist=\(context.allowed.sorted().joined(separator: ","))

        """
    }

    private func statsMembers(_ context: FourLetterContext, _ now: Now) -> Members {
        let size = JSONText.number(ProcessInformation.size(ofFilesIn: context.dataDirectory))
        let stats: Members = [
            ("packets_sent", .number(statistics.sent &- statistics.sentBefore)),
            ("packets_received", .number(statistics.received &- statistics.receivedBefore)),
            ("fsync_threshold_exceed_count", .integer(0)),
            ("uptime", .integer(max(0, now.instant.milliseconds(since: statistics.started.instant)))),
            ("data_dir_size", size), ("log_dir_size", size), ("provider_null", .bool(false)),
            ("last_processed_zxid", .integer(lastZxid)), ("outstanding_requests", .number(outstanding)),
            ("server_state", .string("standalone")), ("avg_latency", .decimal(statistics.latency.average)),
            ("max_latency", .integer(statistics.latency.maximum)),
            ("min_latency", .integer(statistics.latency.minimum)),
            ("num_alive_client_connections", .number(clients.count)),
            ("auth_failed_count", .number(statistics.failedAuthentications)),
        ]
        return [
            ("version", .string("\(Self.version), \(Self.built)")), ("read_only", .bool(false)),
            ("server_stats", .object(stats)), ("node_count", .number(tree.nodes.count)),
        ]
    }

    // MARK: Long lists; one that was cut says so

    private func connectionMembers(isShort: Bool) -> Members {
        let (clients, more) = reportedClients
        func report(_ client: Client) -> JSONText {
            var members: Members = [
                ("remote_socket_address", .string(client.remoteAddress)), ("interest_ops", .integer(1)),
                ("outstanding_requests", .number(client.gatedAnswers)), ("packets_received", .number(client.received)),
                ("packets_sent", .number(client.sent)),
            ]
            if !isShort, let session = client.session {
                members += [
                    ("session_id", .integer(session.id)), ("last_operation", .string(client.lastOperationName)),
                    ("established", .integer(client.established)),
                    ("session_timeout", .number(session.timeoutMilliseconds)), ("last_cxid", .number(client.lastXid)),
                    ("last_zxid", .integer(client.lastZxid)), ("last_response_time", .integer(client.lastAnswer)),
                    ("last_latency", .integer(client.latency.last)), ("min_latency", .integer(client.latency.minimum)),
                    ("avg_latency", .integer(Int64(client.latency.average))),
                    ("max_latency", .integer(client.latency.maximum)),
                ]
            }
            return .object(members)
        }
        return [("connections", .array(clients.map(report))), ("secure_connections", .array([]))]
            + (more > 0 ? [("more_connections", .number(more))] : [])
    }

    private func dumpMembers(_ now: Now) -> Members {
        let reported = sessions.values.prefix(Self.reportLimit)
        let byTime = Dictionary(grouping: reported) { $0.deadline.nanoseconds / 1_000_000 }
        let expiry = byTime.sorted { $0.key < $1.key }.map { time, sessions in
            (String(time), JSONText.array(sessions.map(\.id).sorted().map { .integer($0) }))
        }
        var left = Self.reportLimit
        var ephemerals: Members = []
        for (id, paths) in tree.ephemerals.sorted(by: { $0.key < $1.key }) where left > 0 {
            ephemerals.append((String(id), .array(paths.prefix(left).map(\.string).sorted().map { .string($0) })))
            left -= paths.count
        }
        let isWhole = sessions.count <= Self.reportLimit && left >= 0
        return [
            ("expiry_time_to_session_ids", .object(expiry)), ("session_id_to_ephemeral_paths", .object(ephemerals)),
        ]
            + (isWhole ? [] : [("truncated", .bool(true))])
    }

    private var watchesMembers: Members {
        var left = Self.reportLimit
        var members: Members = []
        for client in reportedClients.clients where client.watchCount > 0 && left > 0 {
            guard let session = client.session else { continue }
            let paths = client.watchedPaths.prefix(left).map(\.string).sorted()
            members.append((String(session.id), .array(paths.map { .string($0) })))
            left -= paths.count
        }
        return [("session_id_to_watched_paths", .object(members))] + (left > 0 ? [] : [("truncated", .bool(true))])
    }

    private var watchesByPathMembers: Members {
        let (entries, isWhole) = watches.watchers(limit: Self.reportLimit)
        let members = entries.map { entry in
            (entry.path.string, JSONText.array(entry.clients.compactMap { $0.session.map { .integer($0.id) } }))
        }
        return [("path_to_session_ids", .object(members))] + (isWhole ? [] : [("truncated", .bool(true))])
    }

    private var quotaMembers: [JSONText] {
        tree.quotas.quotas.values.sorted { $0.path.string < $1.path.string }.prefix(Self.reportLimit).map { quota in
            .object([
                ("path", .string(quota.path.string)), ("count", .integer(quota.count)),
                ("bytes", .integer(quota.bytes)),
                ("count_limit", .integer(quota.limits.count)), ("bytes_limit", .integer(quota.limits.bytes)),
                ("count_hard_limit", .integer(quota.limits.countHardLimit)),
                ("bytes_hard_limit", .integer(quota.limits.byteHardLimit)),
            ])
        }
    }

    private func hexDigits(_ zxid: Int64) -> String { String(hex(zxid).dropFirst(2)) }
}

extension MonitorValue {
    var json: JSONText {
        switch value {
        case .text(let text): .string(text)
        case .integer(let number): .integer(number)
        case .decimal(let number): .decimal(number)
        }
    }
}
