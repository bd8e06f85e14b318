import Logging
import ZooKeeperProtocol

/// Writes the engine's notices into the log, at most once a second: what causes one may cause thousands. How many are not
/// shown stands on the last line.
struct NoticeWriter {
    private struct Line {
        var level = Logger.Level.warning
        var message: Logger.Message
        var metadata: Logger.Metadata
    }

    private let logger: Logger
    private let enforcesQuota: Bool
    private var lastWritten: Instant?

    init(logger: Logger, enforcesQuota: Bool) {
        self.logger = logger
        self.enforcesQuota = enforcesQuota
    }

    mutating func write(_ waiting: inout Notices, _ now: Now) {
        guard !waiting.isEmpty, lastWritten.map({ now.instant.milliseconds(since: $0) >= 1000 }) ?? true else { return }
        lastWritten = now.instant
        let notices = waiting.take()
        var lines = notices.kept.map(line)
        if notices.suppressed > 0, let last = lines.indices.last {
            lines[last].metadata["more"] = "\(notices.suppressed)"
        }
        for line in lines { logger.log(level: line.level, line.message, metadata: line.metadata) }
    }

    private func line(_ notice: Notice) -> Line {
        switch notice {
        case .quotaExceeded(let path, let what, let value, let limit, let isHard):
            return Line(
                message: "quota exceeded",
                metadata: [
                    "path": "\(path)", "what": "\(what)", "value": "\(value)", "limit": "\(limit)",
                    "kind": isHard ? (enforcesQuota ? "hard" : "hard, not enforced") : "soft",
                ])
        case .credentialsRefused(let address, let scheme, let user):
            var metadata: Logger.Metadata = ["address": "\(address)", "scheme": "\(Self.quoted(scheme))"]
            if let user { metadata["user"] = "\(Self.quoted(user))" }
            return Line(message: "refused credentials", metadata: metadata)
        case .connectionRefused(let address, let limit, let isOfAddress):
            return Line(
                message: isOfAddress
                    ? "refused a connection: too many from this address" : "refused a connection: too many",
                metadata: ["address": "\(address)", "limit": "\(limit)"])
        case .adminConnectionRefused(let address, let limit):
            return Line(
                message: "refused an HTTP connection: too many ask how the server is",
                metadata: ["address": "\(address)", "limit": "\(limit)"])
        case .sessionRefused(let address):
            return Line(
                message: "refused a new session: the disk is full, and what is left is for those that end",
                metadata: ["address": "\(address)"])
        case .requestTooLong(let address, let length, let limit):
            return Line(
                message: "refused a request: too long",
                metadata: ["address": "\(address)", "length": "\(length)", "limit": "\(limit)"])
        case .outOfDescriptors:
            return Line(
                message:
                    "no descriptor is left for a new connection; none is taken for a second. Raise the limit (LimitNOFILE, ulimit -n)",
                metadata: [:])
        case .outputNotTaken(let address, let limit):
            return Line(
                message: "closed a connection that does not take its output",
                metadata: ["address": "\(address)", "limit": "\(limit)"])
        case .digestMismatch(let zxid, let stated, let found):
            return Line(
                level: .error,
                message: """
                    the tree that was read from disk is not the one that was written: a mistake of this program. It is served \
                    as it was read; keep a copy of the data directory, and compare the tree with a backup
                    """,
                metadata: ["zxid": "\(hex(zxid))", "stated": "\(stated)", "found": "\(found)"])
        case .handshakeFailed(let address, let reason):
            return Line(
                message: "no TLS with a client", metadata: ["address": "\(address)", "reason": "\(reason)"])
        }
    }

    /// What a stranger sent, so that it cannot be taken for something else that stands in the log.
    static func quoted(_ text: String) -> String {
        let characters = text.unicodeScalars.map { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
                scalar.escaped(asASCII: true)
            default: scalar == "\"" || scalar == "\\" ? "\\\(scalar)" : String(scalar)
            }
        }
        return "\"\(characters.joined())\""
    }
}
