import Logging
import Synchronization

/// What the tasks that use a client and the thread of its connection share.
final class ClientCore: Sendable {
    let configuration: MQTTClient.Configuration
    let subscriptions: [MQTTSubscription]
    let logger: Logger
    let wake = WakeDescriptor()
    let inbox = Inbox()
    let outbox: Outbox
    /// The broker of the present connection or attempt, or of the latest one.
    let broker: Mutex<MQTTBroker>
    let state = Broadcast<MQTTConnectionState>(.disconnected(.notStarted))
    let subscriptionStatus = Broadcast(MQTTSubscriptionStatus())
    /// Whether the broker retains messages, as far as the latest connection showed.
    let retainsMessages = Mutex(true)
    let statistics = Mutex(MQTTStatistics())
    /// Of which topics messages were shed.
    let shedTopics = Mutex(ShedTopics())
    /// Whether a connection is news: the first one is, and one after it was said that there is none.
    let mustSayConnected = Mutex(true)
    private let started = Mutex(false)

    init(configuration: MQTTClient.Configuration, subscriptions: [MQTTSubscription], logger: Logger) {
        self.configuration = configuration
        self.subscriptions = subscriptions
        self.logger = logger
        broker = Mutex(configuration.broker)
        outbox = Outbox(
            waitingLimit: configuration.maxWaitingPublishes, startsSuspended: configuration.startsSuspended, wake: wake)
    }

    /// True the first time only.
    func start() -> Bool {
        started.withLock { started in
            defer { started = true }
            return !started
        }
    }
}
