/// What outlives a connection: the subscriptions, the numbers of batches, the two limits on reading and acknowledging.
///
/// Used on the connection's thread only.
final class ConnectionSession {
    private(set) var subscriptions: [MQTTSubscription]
    var hold: AcknowledgementHold
    var pressure: InboxPressure
    private var lastNumber: UInt64 = 0

    init(core: ClientCore) {
        let configuration = core.configuration
        subscriptions = core.subscriptions
        // A held acknowledgement holds the ping back, too: the broker waits one and a half times the keep-alive.
        hold = AcknowledgementHold(limit: min(configuration.acknowledgeHoldLimit, configuration.keepAlive / 4))
        pressure = InboxPressure(
            messageLimit: configuration.inboxMessageLimit, byteLimit: configuration.inboxByteLimit,
            pauseLimit: min(configuration.inboxFullPause, configuration.keepAlive / 4))
    }

    func nextNumber() -> UInt64 {
        lastNumber &+= 1
        return lastNumber
    }

    /// Changes what is subscribed on the next connection.
    func apply(_ changes: [Outbox.SubscriptionChange]) {
        for change in changes {
            switch change {
            case .add(let subscription):
                subscriptions.removeAll { $0.filter == subscription.filter }
                subscriptions.append(subscription)
            case .remove(let filter):
                subscriptions.removeAll { $0.filter == filter }
            }
        }
    }
}
