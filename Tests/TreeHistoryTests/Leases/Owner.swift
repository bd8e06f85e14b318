import Synchronization
import TestFixtures
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// Whoever gets leases of one role, and then writes in their name for longer than it should: the last few leases it ever had
/// are used again and again, whatever is known of their loss.
final class Owner: Sendable {
    let role: String
    let client: ZooKeeperClient
    /// What lies between it and the server.
    let proxy: FaultProxy
    private let record: LeaseRecord
    private let leases = Mutex<[Lease]>([])

    init(role: String, client: ZooKeeperClient, proxy: FaultProxy, record: LeaseRecord) {
        self.role = role
        self.proxy = proxy
        self.client = client
        self.record = record
    }

    static func path(of role: String) -> String { "/record-\(role)" }

    /// Whether it takes itself for the owner now.
    var isOwner: Bool { leases.withLock { $0.last?.isValid() ?? false } }

    func got(_ lease: Lease) {
        leases.withLock { leases in
            guard leases.last != lease else { return }
            leases = leases.suffix(2) + [lease]
        }
    }

    /// Notes which of its leases are valid. Of one thread only, so that what it notes is in the order of time.
    func look() {
        for lease in leases.withLock({ $0 }) {
            // The moment is taken before the question: a lease that is valid now is valid then.
            let moment = ContinuousClock.now
            record.seen(lease.token, isValid: lease.isValid(at: moment), at: moment)
        }
    }

    /// Writes with each of its leases, until told to stop. The check of the node is there, as everywhere; the question
    /// whether the lease is valid is left out.
    func write(until isOver: @Sendable () -> Bool) async throws {
        let path = Self.path(of: role)
        while !isOver() {
            for lease in leases.withLock({ $0 }) {
                let token = Array("\(lease.token)".utf8)
                do {
                    let results = try await client.transaction([
                        .check(path: lease.path), .setData(path: path, data: token),
                        .create(path: path + "/entry-", data: token, mode: .persistentSequential),
                    ])
                    if case .set(let stat) = results[1] { record.wrote(lease.token, zxid: stat.mzxid) }
                } catch let error as ZooKeeperError {
                    if error.transactionIndex == 0 { record.wasRefused() }
                }
            }
            try await Task.sleep(for: .milliseconds(4))
        }
    }
}
