import CMosquitto

/// A topic filter that a client wants to hear.
public struct MQTTSubscription: Sendable, Hashable {
    /// What happens with retained messages when the subscription is made (MQTT 5; 3.1.1 always sends them).
    public enum RetainedMessages: Sendable, Hashable { case send, sendIfNew, never }

    public var filter: String
    public var qos: MQTTQoS
    /// Do not hear what this client itself publishes (MQTT 5).
    public var noLocal: Bool
    /// Keep the retain flag as it was published, instead of using it for "this one was stored" (MQTT 5).
    public var retainAsPublished: Bool
    public var retained: RetainedMessages

    public init(
        filter: String, qos: MQTTQoS = .atLeastOnce, noLocal: Bool = false, retainAsPublished: Bool = false,
        retained: RetainedMessages = .send
    ) {
        self.filter = filter
        self.qos = qos
        self.noLocal = noLocal
        self.retainAsPublished = retainAsPublished
        self.retained = retained
    }

    /// The options byte of MQTT 5 without the QoS.
    var options: Int32 {
        var options: UInt32 = 0
        if noLocal { options |= MQTT_SUB_OPT_NO_LOCAL.rawValue }
        if retainAsPublished { options |= MQTT_SUB_OPT_RETAIN_AS_PUBLISHED.rawValue }
        switch retained {
        case .send: options |= MQTT_SUB_OPT_SEND_RETAIN_ALWAYS.rawValue
        case .sendIfNew: options |= MQTT_SUB_OPT_SEND_RETAIN_NEW.rawValue
        case .never: options |= MQTT_SUB_OPT_SEND_RETAIN_NEVER.rawValue
        }
        return Int32(options)
    }

    /// Whether the filter is one that a broker accepts.
    var isValid: Bool {
        let bytes = Array(filter.utf8)
        guard !bytes.isEmpty, bytes.count <= 65_535, isPlainText(filter) else { return false }
        return bytes.withUnsafeBytes { buffer in
            let text = buffer.assumingMemoryBound(to: CChar.self).baseAddress
            return mosquitto_sub_topic_check2(text, buffer.count) == MOSQ_ERR_SUCCESS.code
        }
    }
}
