package import MQTT

/// A connection on which subscriptions come and go while it stands: ``MQTTClient``, or in tests a scripted broker.
package protocol RetainedMessageSource: MessagePublisher {
    /// See ``MQTTClient``: the broker's retained messages arrive behind its answer.
    func subscribe(_ subscription: MQTTSubscription) throws
    func unsubscribe(_ filter: String) throws
    /// Whether it retains messages at all.
    var brokerRetainsMessages: Bool { get }
}

extension MQTTClient: RetainedMessageSource {}
