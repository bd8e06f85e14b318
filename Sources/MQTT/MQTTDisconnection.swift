/// Why there is no connection.
public enum MQTTDisconnection: Error, Sendable, Hashable, CustomStringConvertible {
    /// `run()` has not been called yet.
    case notStarted
    /// We said goodbye.
    case stopped
    /// The program wants no connection at present; see ``MQTTClient/suspend()``.
    case suspended
    /// The program gave the connection up, for a reason of its own; see ``MQTTClient/reconnect(because:)``.
    case givenUp(String)
    /// The broker refused our CONNECT.
    case refused(MQTTReasonCode)
    /// The broker said goodbye.
    case closedByBroker(MQTTReasonCode)
    /// The broker did not answer in time.
    case timedOut(String)
    /// The network or the name look-up failed; the connection ended without a goodbye.
    case network(code: Int32, text: String)
    /// The encryption could not be agreed on, or the broker's certificate was not accepted.
    case tls(String)
    /// The two sides do not speak the same language.
    case protocolError(code: Int32, text: String)

    /// Whether trying again soon is of no use because somebody has to change something first.
    var needsAttention: Bool {
        switch self {
        case .refused(let code), .closedByBroker(let code): code.needsAttention
        case .tls, .protocolError: true
        case .notStarted, .stopped, .suspended, .givenUp, .timedOut, .network: false
        }
    }

    public var description: String {
        switch self {
        case .notStarted: "not started"
        case .stopped: "stopped"
        case .suspended: "suspended"
        case .givenUp(let why): "given up: \(why)"
        case .refused(let code): "the broker refused the connection: \(code)"
        case .closedByBroker(let code): "the broker closed the connection: \(code)"
        case .timedOut(let what): "\(what) took too long"
        case .network(let code, let text): "\(text) (\(code))"
        case .tls(let text): "TLS: \(text)"
        case .protocolError(let code, let text): "\(text) (\(code))"
        }
    }
}
