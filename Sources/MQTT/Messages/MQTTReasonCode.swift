import CMosquitto

/// The broker's answer to something we sent, as MQTT 5 numbers it.
///
/// Answers of MQTT 3.1.1 are translated: its five refusals of a connection have the same meanings here.
public struct MQTTReasonCode: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let success = MQTTReasonCode(rawValue: 0x00)
    public static let grantedQoS1 = MQTTReasonCode(rawValue: 0x01)
    public static let grantedQoS2 = MQTTReasonCode(rawValue: 0x02)
    /// The broker took the message, and nobody listens.
    public static let noMatchingSubscribers = MQTTReasonCode(rawValue: 0x10)
    public static let noSubscriptionExisted = MQTTReasonCode(rawValue: 0x11)
    public static let unspecifiedError = MQTTReasonCode(rawValue: 0x80)
    public static let malformedPacket = MQTTReasonCode(rawValue: 0x81)
    public static let protocolError = MQTTReasonCode(rawValue: 0x82)
    public static let implementationSpecific = MQTTReasonCode(rawValue: 0x83)
    public static let unsupportedProtocolVersion = MQTTReasonCode(rawValue: 0x84)
    public static let clientIDNotValid = MQTTReasonCode(rawValue: 0x85)
    public static let badUserNameOrPassword = MQTTReasonCode(rawValue: 0x86)
    public static let notAuthorized = MQTTReasonCode(rawValue: 0x87)
    public static let serverUnavailable = MQTTReasonCode(rawValue: 0x88)
    public static let serverBusy = MQTTReasonCode(rawValue: 0x89)
    public static let banned = MQTTReasonCode(rawValue: 0x8a)
    public static let serverShuttingDown = MQTTReasonCode(rawValue: 0x8b)
    public static let keepAliveTimeout = MQTTReasonCode(rawValue: 0x8d)
    /// Another client connected with our client id.
    public static let sessionTakenOver = MQTTReasonCode(rawValue: 0x8e)
    public static let topicFilterInvalid = MQTTReasonCode(rawValue: 0x8f)
    public static let topicNameInvalid = MQTTReasonCode(rawValue: 0x90)
    public static let packetTooLarge = MQTTReasonCode(rawValue: 0x95)
    public static let quotaExceeded = MQTTReasonCode(rawValue: 0x97)
    public static let administrativeAction = MQTTReasonCode(rawValue: 0x98)
    public static let payloadFormatInvalid = MQTTReasonCode(rawValue: 0x99)
    public static let retainNotSupported = MQTTReasonCode(rawValue: 0x9a)
    public static let qosNotSupported = MQTTReasonCode(rawValue: 0x9b)

    /// Whether the broker refused.
    public var isError: Bool { rawValue >= 0x80 }

    /// Whether trying again soon is of no use: somebody has to change a setting first.
    var needsAttention: Bool {
        switch self {
        case .unsupportedProtocolVersion, .clientIDNotValid, .badUserNameOrPassword, .notAuthorized, .banned,
            .sessionTakenOver, .protocolError, .malformedPacket, .retainNotSupported, .qosNotSupported, .packetTooLarge:
            true
        default: false
        }
    }

    public var description: String {
        let text = mosquitto_reason_string(Int32(rawValue)).map { String(cString: $0) } ?? "unknown reason"
        let digits = String(rawValue, radix: 16)
        return "\(text.hasSuffix(".") ? String(text.dropLast()) : text) (0x\(digits.count < 2 ? "0" : "")\(digits))"
    }

    /// The reason behind the number in an answer to CONNECT.
    init(connectAnswer number: Int32, version: MQTTProtocolVersion) {
        let raw = UInt8(clamping: number)
        switch (version, raw) {
        case (.v311, 1), (.v5, 1): self = .unsupportedProtocolVersion
        case (.v311, 2): self = .clientIDNotValid
        case (.v311, 3): self = .serverUnavailable
        case (.v311, 4): self = .badUserNameOrPassword
        case (.v311, 5): self = .notAuthorized
        default: self.init(rawValue: raw)
        }
    }
}
