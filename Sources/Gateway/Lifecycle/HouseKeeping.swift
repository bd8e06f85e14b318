import Logging
import Plant
import ServiceLifecycle
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// Has the active alarm processor trim what must not grow for ever: finished commands, the journal, answered requests.
struct HouseKeeping: Service {
    static let interval = Duration.seconds(60)
    /// An operator's request is kept this long after it was last touched, so that whoever asked can read the answer.
    static let requestAge: Milliseconds = 3_600_000

    let keeper: HouseKeeper
    let client: ZooKeeperClient
    let lease: @Sendable () -> Lease?
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.interval)
                guard let lease = lease() else { continue }
                do {
                    let now = WallClock.now()
                    _ = try await keeper.step(lease: lease, at: now)
                    try await trimRequests(lease, now)
                } catch {
                    logger.debug("trimming waits", metadata: ["error": "\(error)"])
                }
            }
        }
    }

    private func trimRequests(_ lease: Lease, _ now: Milliseconds) async throws {
        for name in try await client.getChildren(TreeLayout.alarmRequests) {
            let path = TreeLayout.alarmRequests + "/" + name
            guard let stat = try await client.exists(path), now &- stat.mtime > Self.requestAge else { continue }
            do { _ = try await lease.guarded([.delete(path: path, version: stat.version)]) } catch let error
                as ZooKeeperError where error.code == .noNode || error.code == .badVersion
            { continue }
        }
    }
}

extension CommandRetention {
    init(_ limits: GatewayLimits) {
        self.init()
        count = limits.historyEntries
        age = limits.historyAge.wholeMilliseconds
    }
}
