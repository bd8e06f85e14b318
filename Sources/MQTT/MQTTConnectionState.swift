/// What a client's connection is doing.
public enum MQTTConnectionState: Sendable, Hashable, CustomStringConvertible {
    /// An attempt is under way.
    case connecting
    /// The broker has accepted us. `sessionPresent`: it kept subscriptions and messages from before.
    case connected(sessionPresent: Bool)
    /// There is no connection; another attempt follows unless the client was stopped.
    case disconnected(MQTTDisconnection)

    public var isConnected: Bool {
        if case .connected = self { true } else { false }
    }

    public var description: String {
        switch self {
        case .connecting: "connecting"
        case .connected(let sessionPresent): sessionPresent ? "connected, session kept" : "connected"
        case .disconnected(let reason): "disconnected: \(reason)"
        }
    }
}
