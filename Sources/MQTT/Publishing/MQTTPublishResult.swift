/// The broker's acknowledgement of a publish.
public struct MQTTPublishResult: Sendable, Hashable {
    /// ``MQTTReasonCode/success``, or ``MQTTReasonCode/noMatchingSubscribers`` when nobody listens (MQTT 5). A refusal is
    /// thrown. QoS 0 has no acknowledgement: it says success when the message was written.
    public let reasonCode: MQTTReasonCode

    public init(reasonCode: MQTTReasonCode) { self.reasonCode = reasonCode }
}
