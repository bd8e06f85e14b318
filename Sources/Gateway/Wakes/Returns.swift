import MQTT
import ServiceLifecycle
import ZooKeeperClient

/// Wakes every service when something has come back that it may have waited for.
///
/// A service that finds the tree, the broker, a lease or a shard gone leaves its work where it is. Which of them waits for
/// which is easy to get wrong, and a wake-up without work costs next to nothing: so every return wakes all.
struct Returns: Service {
    let wakes: ServiceWakes
    let tree: @Sendable () -> AsyncStream<ConnectionState>
    /// The connections to the broker.
    let broker: [@Sendable () -> AsyncStream<MQTTConnectionState>]
    /// Turned by the ``AlarmProcessor`` when it has taken up a lease, has prepared its term, or has lost it. Not by the
    /// election: a service that was woken by that could find the processor without its lease, and would not be woken again.
    let term: Wake
    /// Turned when a shard has been gained, and when one may be written.
    let shards: Wake

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await case .connected in tree() { wakes.all() }
                }
                for cause in [term, shards] {
                    group.addTask {
                        for await _ in cause.turns { wakes.all() }
                    }
                }
                for updates in broker {
                    group.addTask {
                        for await state in updates() where state.isConnected { wakes.all() }
                    }
                }
                await group.waitForAll()
            }
        }
    }
}
