import ServiceLifecycle
import ZooKeeperRecipes

/// Has the connections to the broker made at once when this gateway becomes the active alarm processor: alarms wait for them,
/// and the pause between two attempts was chosen for a standby.
struct ElectedLink: Service {
    let elected: @Sendable () -> AsyncStream<LeadershipEvent>
    let connectNow: @Sendable () -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await event in elected() {
                if case .elected = event { connectNow() }
            }
            // Ends with the service group, not before.
            try? await gracefulShutdown()
        }
    }
}
