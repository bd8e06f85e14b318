import MQTT
import Plant
import ServiceLifecycle

/// Asks edge nodes of Sparkplug B for births, at the gateway whose alarm processor is active: one asks, and all hear the answers.
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

    /// What is taken counts as asked, so nothing is taken that could not be published now. When the lease ends meanwhile, the
    /// rest is left to the next active gateway, which knows by itself what it lacks.
    func turn() async {
        guard isActive(), publisher.connectionState.isConnected else {
            plant.asksForBirths(false)
            return
        }
        plant.asksForBirths(true)
        for request in plant.takeRebirths() {
            guard isActive() else { return }
            _ = try? await publisher.publish(
                topic: request.topic, payload: request.payload(at: clock.wall()), qos: .atMostOnce, retain: false,
                properties: MQTTProperties(), notAfter: clock.now() + Self.patience)
        }
    }
}
