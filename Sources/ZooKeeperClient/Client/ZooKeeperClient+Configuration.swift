public import NIOSSL

extension ZooKeeperClient {
    /// What a client needs to know. Every queue has its limit here.
    public struct Configuration: Sendable {
        /// The servers; each is tried in turn.
        public var servers: [ServerAddress]
        /// The path under which this client sees the tree; `/` for all of it.
        public var chroot: String
        /// The session timeout to ask for. Servers clamp it, usually to 2 … 20 of their ticks.
        public var sessionTimeout: Duration = .seconds(10)
        /// The deadline of every request, whatever it waits for. ``ZooKeeperClient/ensurePath(_:)`` makes several, and
        /// ``ZooKeeperClient/addWatch(_:mode:)`` may make another when the connection is lost.
        public var requestTimeout: Duration = .seconds(10)
        /// How many requests may wait to be sent or answered; beyond it calls fail with `tooManyRequests`.
        public var maxOutstandingRequests = 10_000
        /// How many bytes they may hold; beyond it calls fail with `tooManyRequests`.
        public var maxOutstandingBytes = 64 << 20
        /// The longest request; a longer one fails with `requestTooLarge` instead of costing the connection.
        public var maximumRequestLength = 0xFFFFF
        /// The longest answer that is accepted. A longer one costs the connection: whatever was sent and not answered
        /// fails with `connectionLoss`, and whoever asks for the same again has the same happen.
        public var maximumResponseLength = 64 << 20
        /// How many elements of a persistent watch may wait; beyond it they become one gap.
        public var maxWaitingWatchElements = 16_384
        /// Sent on every connection. When the server refuses them, ``ZooKeeperClient/run()`` throws.
        public var auth: [AuthInfo] = []
        /// Proved on every connection before anything else is sent. When the server refuses,
        /// ``ZooKeeperClient/run()`` throws.
        public var sasl: SASLCredentials?
        /// TLS, when the servers want it. `TLSConfiguration.makeClientConfiguration()` verifies the server's certificate
        /// and its name. Files are read anew by each attempt to connect, so renewed certificates need no restart.
        public var tls: TLSConfiguration?
        /// Asked by each attempt to connect, instead of ``auth``, ``sasl`` and ``tls``: a password or a certificate that has
        /// changed is taken. What it throws is the reason why there is no connection. With it, servers that refuse this
        /// client do not end ``ZooKeeperClient/run()``: it tries again after ``refusalPause``.
        public var accessSource: (@Sendable () throws -> Access)?
        /// How long to wait before servers that have refused this client are tried again, with ``accessSource``.
        public var refusalPause: Duration = .seconds(5)
        /// The session of an earlier client to take up.
        public var resume: SessionCredentials?
        /// Whether the session is left alone at the end instead of being closed, so that the next process can take it up
        /// with ``ZooKeeperClient/credentials``: its ephemeral nodes stay until then, or until it expires.
        public var keepsSessionAtEnd = false
        /// How far an answer proves that the session lives on.
        public var leaseRule: LeaseRule = .ensemble
        /// The tick of an ensemble's servers (`tickTime`), which bounds what a follower may withhold from the leader.
        /// Taken as at most half of the session timeout.
        public var serverTick: Duration = .seconds(2)

        /// With what a client comes in; see the members of ``Configuration`` with the same names.
        public struct Access: Sendable {
            public var auth: [AuthInfo]
            public var sasl: SASLCredentials?
            public var tls: TLSConfiguration?

            public init(auth: [AuthInfo] = [], sasl: SASLCredentials? = nil, tls: TLSConfiguration? = nil) {
                self.auth = auth
                self.sasl = sasl
                self.tls = tls
            }
        }

        /// Reads servers and chroot from `host:port,host:port/chroot`.
        ///
        /// - Throws: ``ConnectString/Invalid``.
        public init(connectString: String) throws {
            let parsed = try ConnectString(connectString)
            servers = parsed.servers
            chroot = parsed.chroot
        }
    }
}
