/// What MQTT 5 lets travel with a message beside topic and payload.
///
/// MQTT 3.1.1 has none of it: when a client speaks 3.1.1, properties are left out, and none arrive.
public struct MQTTProperties: Sendable, Hashable {
    /// A name and a value; a name may stand several times.
    public struct UserProperty: Sendable, Hashable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Where an answer is expected.
    public var responseTopic: String?
    /// What the answer must carry so that the asker knows it.
    public var correlationData: [UInt8]?
    /// How long the broker may keep the message for those who are not there; whole seconds, rounded up.
    public var messageExpiry: Duration?
    public var contentType: String?
    /// The payload is UTF-8 text.
    public var payloadIsText: Bool
    public var userProperties: [UserProperty]

    public init(
        responseTopic: String? = nil, correlationData: [UInt8]? = nil, messageExpiry: Duration? = nil,
        contentType: String? = nil, payloadIsText: Bool = false, userProperties: [UserProperty] = []
    ) {
        self.responseTopic = responseTopic
        self.correlationData = correlationData
        self.messageExpiry = messageExpiry
        self.contentType = contentType
        self.payloadIsText = payloadIsText
        self.userProperties = userProperties
    }

    /// The value of the first user property with `name`.
    public func userProperty(_ name: String) -> String? { userProperties.first { $0.name == name }?.value }

    public var isEmpty: Bool {
        responseTopic == nil && correlationData == nil && messageExpiry == nil && contentType == nil && !payloadIsText
            && userProperties.isEmpty
    }
}
