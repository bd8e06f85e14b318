import Synchronization

/// Where clients that belong together are connected.
///
/// Clients that share one and have the same list of brokers come together at one of them: each that has to connect tries
/// first where another is connected, and none leaves a broker that works.
public final class MQTTCompanions: Sendable {
    private let places = Mutex<[ObjectIdentifier: MQTTBroker]>([:])

    public init() {}

    func connected(_ client: ClientCore, to broker: MQTTBroker) {
        places.withLock { $0[ObjectIdentifier(client)] = broker }
    }

    func left(_ client: ClientCore) { places.withLock { $0[ObjectIdentifier(client)] = nil } }

    /// The broker of one of the others; nil while none is connected.
    func broker(beside client: ClientCore) -> MQTTBroker? {
        places.withLock { places in places.first { $0.key != ObjectIdentifier(client) }?.value }
    }
}
