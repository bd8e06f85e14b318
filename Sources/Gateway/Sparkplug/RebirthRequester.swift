import MQTT
import Plant
import ServiceLifecycle

/// Asks edge nodes of Sparkplug B for the births that this gateway lacks. For what all may have missed, the gateway whose alarm
/// processor is active asks first, and all hear the answers.
///
/// What is to be asked, and when, ``PlantState`` knows. A request that is lost costs time: it is repeated while no birth comes.
struct RebirthRequester<Publisher: MessagePublisher>: Service {
    static var look: Duration { .milliseconds(250) }
    /// How long a request may take to leave.
    static var patience: Duration { .seconds(5) }

    let plant: PlantState
    let publisher: Publisher
    /// Whether this gateway's alarm processor is active.
    let isActive: @Sendable () -> Bool
    let clock: GatewayClock

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await turn()
                try? await clock.sleep(Self.look)
            }
        }
    }

    /// What is taken counts as sent, unless it could not be published. Then the others wait for the next turn.
    func turn() async {
        plant.asksFirstForBirths(isActive())
        while !Task.isCancelled, publisher.connectionState.isConnected, let request = plant.takeRebirth() {
            do {
                _ = try await publisher.publish(
                    topic: request.topic, payload: request.payload(at: clock.wall()), qos: .atMostOnce, retain: false,
                    properties: MQTTProperties(), notAfter: clock.now() + Self.patience)
            } catch {
                return plant.rebirthFailed(request)
            }
        }
    }
}
