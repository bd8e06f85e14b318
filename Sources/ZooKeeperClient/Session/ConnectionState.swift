/// A session as the server granted it.
public struct SessionInfo: Hashable, Sendable {
    /// The server's number of the session; what `Stat.ephemeralOwner` shows.
    public var id: Int64
    /// With it the session can be taken up again.
    public var password: [UInt8]
    /// The session timeout that the server agreed to.
    public var negotiatedTimeout: Duration

    /// Makes a description of a session.
    public init(id: Int64, password: [UInt8], negotiatedTimeout: Duration) {
        self.id = id
        self.password = password
        self.negotiatedTimeout = negotiatedTimeout
    }
}

/// With what a session of an earlier client is taken up again.
public struct SessionCredentials: Hashable, Sendable, Codable {
    /// The number of the session.
    public var id: Int64
    /// Its password.
    public var password: [UInt8]
    /// The newest transaction that the earlier client had seen; 0 when unknown.
    public var lastZxid: Int64

    /// Makes credentials.
    public init(id: Int64, password: [UInt8], lastZxid: Int64 = 0) {
        self.id = id
        self.password = password
        self.lastZxid = lastZxid
    }
}

/// How a client stands with the servers.
///
/// `connecting → connected ⇄ suspended`; from `suspended` also `expired → connecting`; `closed` is the end.
public enum ConnectionState: Hashable, Sendable {
    /// There is no session yet, or none any more.
    case connecting
    /// Connected with a session.
    case connected(SessionInfo)
    /// The connection is gone; the session may live on and is being taken up again.
    case suspended(SessionInfo)
    /// The server said that the session is over. Told by ``ZooKeeperClient/stateUpdates()``; `connecting` follows.
    case expired(SessionInfo)
    /// The client has ended.
    case closed

    /// The session that this state speaks of.
    public var session: SessionInfo? {
        switch self {
        case .connected(let session), .suspended(let session), .expired(let session): session
        case .connecting, .closed: nil
        }
    }
}
