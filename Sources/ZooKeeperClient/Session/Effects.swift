import NIOCore
import ZooKeeperProtocol

/// What the session machine wants done. Performed by ``ClientCore`` on the event loop after the lock was released, in
/// the order of the fields: a watch has fired before the lease that it may void is renewed, and both before any caller
/// sees a later answer.
struct Effects {
    /// Why a connection is given up.
    enum CloseReason: Sendable, Hashable, CustomStringConvertible {
        case connectTimeout
        case readTimeout
        case sessionExpired
        /// The server took so long to answer it that another one proves more.
        case handshakeOutdated
        case closed
        /// The message says what the server does or did not prove.
        case authenticationRefused(ErrorCode, String)
        case protocolViolation(String)

        var description: String {
            switch self {
            case .connectTimeout: "no session within the connect timeout"
            case .readTimeout: "nothing heard within the read timeout"
            case .sessionExpired: "the session has expired"
            case .handshakeOutdated: "the session was granted late, so it is asked for once more"
            case .closed: "closed"
            case .authenticationRefused(_, let message): "authentication failed: \(message)"
            case .protocolViolation(let what): "protocol violation: \(what)"
            }
        }
    }

    var triggers: [(slot: WatchSlot, trigger: WatchTrigger)] = []
    var elements: [(buffer: PersistentWatchBuffer, element: WatchElement)] = []
    var endedWatches: [(buffer: PersistentWatchBuffer, error: ZooKeeperError)] = []
    /// Before the callers are woken, who may compete for the processor.
    var write: ByteBuffer?
    var completions: [(call: PendingCall, result: Result<PendingCall.Reply, any Error>)] = []
    var states: [ConnectionState] = []
    var close: CloseReason?

    mutating func fail(_ call: PendingCall, _ code: ErrorCode, _ message: String = "") {
        completions.append((call, .failure(call.error(code, message))))
    }

    mutating func deliver(_ delivery: WatchRegistry.Delivery) {
        triggers += delivery.triggers
        elements += delivery.elements
    }
}
