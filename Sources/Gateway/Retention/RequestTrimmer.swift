import Plant
import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// Deletes requests that nobody has touched for long, and mailboxes that nobody uses.
final class RequestTrimmer: Sendable {
    /// A request is kept this long after it was last touched, so that its requester can read the answer; an empty mailbox
    /// as long after its last request.
    static let age = Duration.seconds(3_600)

    private let client: ZooKeeperClient
    private let clock: GatewayClock
    private let sightings = Mutex(Sightings())

    init(client: ZooKeeperClient, clock: GatewayClock) {
        self.client = client
        self.clock = clock
    }

    func step(_ lease: Lease) async throws {
        let walk = TreeWalk(client: client)
        let ours = TreeLayout.requests + "/" + TreeLayout.mqttMailbox
        let mailboxes = try await walk.children(of: TreeLayout.requests).map { TreeLayout.requests + "/" + $0 }
        var paths = mailboxes.filter { $0 != ours }
        for parent in mailboxes + [TreeLayout.alarmRequests] {
            // One that gateways may not read costs itself alone.
            do {
                paths += try await walk.children(of: parent).map { parent + "/" + $0 }
            } catch let error as ZooKeeperError where error.code == .noAuth {}
        }
        var stats: [(path: String, stat: Stat)] = []
        for path in paths {
            do {
                if let stat = try await client.exists(path) { stats.append((path, stat)) }
            } catch let error as ZooKeeperError where error.code == .noAuth && !mailboxes.contains(path) {
                // What gateways may not read nobody answers.
                _ = try? await lease.guarded([.delete(path: path, version: -1)])
            } catch let error as ZooKeeperError where error.code == .noAuth {}
        }
        let now = clock.now()
        let old = sightings.withLock { sightings in
            defer { sightings.finished() }
            return stats.filter { sightings.age(of: $0.path, $0.stat, at: now) > Self.age && $0.stat.numChildren == 0 }
        }
        let empty = Set(mailboxes)
        for (path, stat) in old {
            // One with an access list of its own was made for somebody.
            if empty.contains(path), try await !isEverybodys(path) { continue }
            do { _ = try await lease.guarded([.delete(path: path, version: stat.version)]) } catch let error
                as ZooKeeperError where error.path == path
            { continue }
        }
    }

    private func isEverybodys(_ path: String) async throws -> Bool {
        do { return try await client.getACL(path).acl == ACL.worldAll } catch let error as ZooKeeperError
            where error.code == .noNode || error.isRefusalOfNode
        { return false }
    }
}
