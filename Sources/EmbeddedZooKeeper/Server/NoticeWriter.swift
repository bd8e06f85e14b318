import Logging
import ZooKeeperProtocol

/// Writes the engine's notices into the log, at most once a second: what causes one may cause thousands.
struct NoticeWriter {
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
        let more = notices.suppressed
        for notice in notices.kept {
            switch notice {
            case .quotaExceeded(let path, let what, let value, let limit, let isHard):
                logger.warning(
                    "quota exceeded",
                    metadata: [
                        "path": "\(path)", "what": "\(what)", "value": "\(value)", "limit": "\(limit)",
                        "kind": isHard ? (enforcesQuota ? "hard" : "hard, not enforced") : "soft",
                        "more": "\(more)",
                    ])
            case .credentialsRefused(let address, let scheme):
                logger.warning(
                    "refused credentials",
                    metadata: [
                        "address": "\(address)", "scheme": "\(scheme)", "more": "\(more)",
                    ])
            case .connectionRefused(let address, let limit, let isOfAddress):
                logger.warning(
                    isOfAddress ? "refused a connection: too many from this address" : "refused a connection: too many",
                    metadata: ["address": "\(address)", "limit": "\(limit)", "more": "\(more)"])
            case .sessionRefused(let address):
                logger.warning(
                    "refused a new session: the disk is full, and what is left is for those that end",
                    metadata: ["address": "\(address)", "more": "\(more)"])
            case .digestMismatch(let zxid, let stated, let found):
                logger.error(
                    """
                    the tree that was read from disk is not the one that was written: a mistake of this program. It is served \
                    as it was read; keep a copy of the data directory, and compare the tree with a backup
                    """,
                    metadata: ["zxid": "\(hex(zxid))", "stated": "\(stated)", "found": "\(found)"])
            case .handshakeFailed(let address, let reason):
                logger.warning(
                    "no TLS with a client",
                    metadata: [
                        "address": "\(address)", "reason": "\(reason)", "more": "\(more)",
                    ])
            }
        }
    }
}
