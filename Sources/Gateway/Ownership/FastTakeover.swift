import Logging
import Plant
import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol

/// Removes what a dead gateway owned, on the broker's word, without waiting for its session to expire.
///
/// The will is a hint and nothing more: the tree decides. All nodes of the dead gateway's session go in one transaction;
/// if it lives after all, it finds its nodes gone, stops acting (every owner's write is fenced by a check of such a node)
/// and queues again. Hints about one gateway are answered at most once every ``interval``.
final class FastTakeover: Sendable {
    /// Shortest time between two removals of the same gateway's nodes.
    static let interval = Duration.seconds(2)
    static let rememberedGateways = 1000

    private let client: ZooKeeperClient
    private let gateway: String
    private let logger: Logger
    private let lastRemoval = Mutex<[String: ContinuousClock.Instant]>([:])

    init(client: ZooKeeperClient, gateway: String, logger: Logger) {
        self.client = client
        self.gateway = gateway
        self.logger = logger
    }

    /// Whether a notice is a reason to look: another gateway's death, and not so soon after the last of the same.
    func admits(_ notice: GatewayNotice) -> Bool {
        guard notice.state == .offline, notice.gateway != gateway else { return false }
        let now = ContinuousClock.now
        return lastRemoval.withLock { last in
            if let previous = last[notice.gateway], now - previous < Self.interval { return false }
            // Names come from whoever may publish there: they must not fill the memory.
            if last.count >= Self.rememberedGateways { last.removeAll() }
            last[notice.gateway] = now
            return true
        }
    }

    /// Removes what that gateway owned, when the tree agrees that it means the life that has ended.
    func takeOver(from notice: GatewayNotice) async {
        do {
            try await removeNodes(of: notice)
        } catch {
            logger.info(
                "takeover on a last will did not go through; the session's expiry will do it",
                metadata: ["gateway": "\(notice.gateway)", "error": "\(error)"])
        }
    }

    /// Removes what an earlier life of this gateway left behind when it was killed: it need not wait for its own ghost.
    func removeOwnLeftovers(of identity: GatewayIdentity) async throws {
        try await removeNodes(of: identity.gateway) { GatewayIdentity.isDeadPredecessor($0, of: identity) }
    }

    private func removeNodes(of notice: GatewayNotice) async throws {
        try await removeNodes(of: notice.gateway) { data in
            // A will may have been meant for an earlier life of that gateway.
            guard let json = try? JSONValue(parsing: data) else { return false }
            return json["started"]?.intValue == notice.started && json["pid"]?.intValue == notice.pid
        }
    }

    /// Removes everything that the session of a gateway's registration owns, if the registration is what was meant.
    private func removeNodes(of dead: String, isMeant: (_ registration: [UInt8]) -> Bool) async throws {
        let started = ContinuousClock.now
        for _ in 0..<3 {
            let registration: NodeData
            do {
                registration = try await client.getData(TreeLayout.gateway(dead))
            } catch let error as ZooKeeperError where error.code == .noNode {
                return
            }
            let session = registration.stat.ephemeralOwner
            guard session != 0, let data = registration.data, isMeant(data) else { return }
            let nodes = try await ownershipNodes(ofSession: session)
            do {
                _ = try await client.transaction(
                    (nodes + [TreeLayout.gateway(dead)]).map { .delete(path: $0, version: -1) })
                logger.notice(
                    "took over from a dead gateway",
                    metadata: [
                        "gateway": "\(dead)", "nodes": "\(nodes.count)", "after": "\(ContinuousClock.now - started)",
                    ])
                return
            } catch let error as ZooKeeperError where error.code == .noNode {
                continue  // another candidate was faster with a part of them: look again
            }
        }
    }

    /// The election nodes that belong to a session, read in parallel.
    private func ownershipNodes(ofSession session: Int64) async throws -> [String] {
        let parents = [TreeLayout.alarmProcessor] + (0..<TreeLayout.shardCount).map(TreeLayout.shard)
        return try await withThrowingTaskGroup(of: [String].self) { group in
            for parent in parents {
                group.addTask {
                    let children: [String]
                    do { children = try await self.client.getChildren(parent) } catch let error as ZooKeeperError
                        where error.code == .noNode
                    { return [] }
                    var owned: [String] = []
                    for child in children {
                        let path = parent + "/" + child
                        if let stat = try await self.client.exists(path), stat.ephemeralOwner == session {
                            owned.append(path)
                        }
                    }
                    return owned
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }
}
