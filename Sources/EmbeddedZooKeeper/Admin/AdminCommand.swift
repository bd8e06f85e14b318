/// The commands of ZooKeeper's admin server, with their other names.
enum AdminCommand: String, CaseIterable {
    case configuration
    case connectionStatReset = "connection_stat_reset"
    case connections
    case dirs
    case dump
    case environment
    case getTraceMask = "get_trace_mask"
    case hash
    case initialConfiguration = "initial_configuration"
    case isReadOnly = "is_read_only"
    case lastSnapshot = "last_snapshot"
    case leader
    case monitor
    case observerConnectionStatReset = "observer_connection_stat_reset"
    case observers
    case quotas
    case restore
    case ruok
    case serverStats = "server_stats"
    case setTraceMask = "set_trace_mask"
    case snapshot
    case statReset = "stat_reset"
    case stats
    case systemProperties = "system_properties"
    case votingView = "voting_view"
    case watchSummary = "watch_summary"
    case watches
    case watchesByPath = "watches_by_path"
    case zabstate

    private static let otherNames: [String: AdminCommand] = [
        "conf": .configuration, "config": .configuration, "crst": .connectionStatReset, "cons": .connections,
        "environ": .environment, "env": .environment, "envi": .environment, "gtmk": .getTraceMask,
        "icfg": .initialConfiguration, "isro": .isReadOnly, "lsnp": .lastSnapshot, "lead": .leader, "mntr": .monitor,
        "obsr": .observers, "orst": .observerConnectionStatReset, "rest": .restore, "srvr": .serverStats,
        "stmk": .setTraceMask, "snap": .snapshot, "srst": .statReset, "stat": .stats, "sysp": .systemProperties,
        "wchs": .watchSummary, "wchc": .watches, "wchp": .watchesByPath,
    ]

    init?(name: String) {
        guard let command = AdminCommand(rawValue: name) ?? Self.otherNames[name] else { return nil }
        self = command
    }

    /// Makes the answer: ZooKeeper's keys, then `command` and `error`.
    static func answer(
        _ name: String, query: [String: String], _ engine: Engine, _ context: FourLetterContext, _ now: Now
    ) -> JSONText {
        guard let command = AdminCommand(name: name) else {
            return .object([("command", .string(name)), ("error", .string("Unknown command: \(name)"))])
        }
        do throws(AdminRefusal) {
            let members = try engine.members(of: command, query: query, context, now)
            return .object(members + [("command", .string(command.rawValue)), ("error", .null)])
        } catch {
            return .object([("command", .string(command.rawValue)), ("error", .string(error.reason))])
        }
    }
}

/// Why a command is not carried out.
struct AdminRefusal: Error {
    let reason: String
}
