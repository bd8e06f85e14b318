/// What a call to a client can fail with.
public enum MQTTError: Error, Sendable, Hashable, CustomStringConvertible {
    /// There was no connection: nothing was sent, and nothing is kept for later.
    case notConnected
    /// The connection went away before the broker had acknowledged: it may have the message or not.
    case connectionLost
    /// The time after which the message must not leave had passed: nothing was sent.
    case deadlinePassed
    /// The broker refused the message.
    case refused(MQTTReasonCode)
    /// Too many publishes wait already: nothing was sent.
    case tooManyPublishes(limit: Int)
    /// Not a topic that one may publish on: empty, with a wildcard, with control characters, or not UTF-8.
    case invalidTopic(String)
    case invalidFilter(String)
    /// More than MQTT or the broker carries.
    case payloadTooLarge(Int)
    /// A property that MQTT cannot carry: a control character, or too long.
    case invalidProperty(String)
    case invalidConfiguration(String)
    /// A client runs once.
    case alreadyRunning
    /// What was waited for did not happen in time.
    case timedOut(String)
    /// libmosquitto failed in another way: its number and its text.
    case library(code: Int32, text: String)

    public var description: String {
        switch self {
        case .notConnected: "not connected to the broker; nothing was sent"
        case .connectionLost: "the connection was lost before the broker acknowledged; it may have the message or not"
        case .deadlinePassed: "the message's time had passed; nothing was sent"
        case .refused(let code): "the broker refused the message: \(code)"
        case .tooManyPublishes(let limit): "\(limit) publishes wait for the broker already; nothing was sent"
        case .invalidTopic(let topic): "one cannot publish on the topic \(topic.debugDescription)"
        case .invalidFilter(let filter): "not a topic filter: \(filter.debugDescription)"
        case .payloadTooLarge(let size): "\(size) bytes are more than the broker takes"
        case .invalidProperty(let name): "MQTT cannot carry this \(name)"
        case .invalidConfiguration(let text): text
        case .alreadyRunning: "the client has been run already; make a new one"
        case .timedOut(let what): "\(what) did not happen in time"
        case .library(let code, let text): "libmosquitto: \(text) (\(code))"
        }
    }
}
