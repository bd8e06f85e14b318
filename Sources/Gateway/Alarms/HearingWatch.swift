import Logging
import ServiceLifecycle
import ZooKeeperClient
import ZooKeeperRecipes

/// Hands the alarms over when this gateway is the active processor and does not hear the broker, while another could.
///
/// The last will tells others of a broken control connection. This is for the case that only the listening connection is
/// gone: its election node would stand, and nothing would be recorded.
struct HearingWatch: Service {
    /// How long the listening connection may be gone.
    static let patience = Duration.seconds(3)

    /// Whether the listening connection stands.
    let isHearing: @Sendable () -> Bool
    let client: ZooKeeperClient
    let lease: @Sendable () -> Lease?
    let clock: GatewayClock
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var heard = clock.now()
            while !Task.isCancelled {
                try? await clock.sleep(.milliseconds(250))
                if isHearing() {
                    heard = clock.now()
                } else if clock.now() - heard > Self.patience, let lease = lease() {
                    await handOver(lease)
                    heard = clock.now()
                }
            }
        }
    }

    private func handOver(_ lease: Lease) async {
        do {
            guard try await client.getChildren(TreeLayout.alarmProcessor).count > 1 else { return }
            logger.warning("the active alarm processor does not hear the broker; another takes over")
            // The election sees its node gone and queues again, behind the others.
            try await client.delete(lease.path)
        } catch {
            logger.debug("handing over", metadata: ["error": "\(error)"])
        }
    }
}
