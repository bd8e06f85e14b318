public import Primitives

extension EmbeddedServer {
    /// How a server behaves.
    public struct Configuration: Sendable {
        /// Where the tree is kept; made if it is missing.
        public var dataDirectory: String
        /// Where to listen.
        public var listen: [HostAndPort]
        /// The unit of the session timeouts. Expiry is checked twenty times a tick.
        public var tick: Duration
        /// `user:base64(sha1(user:password))` of the superuser; `nil`: there is none.
        public var superDigest: String?
        /// Who else is superuser, as `sasl:<user>` or `x509:<subject>`.
        public var superusers: [String] = []
        /// Who can prove itself by SASL (DIGEST-MD5); `nil`: there is no SASL.
        public var saslUsers: SASLUsers?
        /// Whether sessions must go through SASL before anything else; every other request ends them.
        public var requiresSASL = false
        /// Where and how to speak TLS; `nil`: nowhere.
        public var tls: TLS?
        /// The four-letter words that are answered; `*` stands for all.
        public var fourLetterWords: Set<String>
        /// How many connections one address may have; 0 is unlimited.
        public var maxClientConnections: Int
        /// The shortest session timeout that a client can get; `nil`: two ticks.
        public var minSessionTimeout: Duration?
        /// The longest session timeout that a client can get; `nil`: twenty ticks.
        public var maxSessionTimeout: Duration?
        /// How often unused containers and outlived nodes are removed.
        public var containerSweepInterval: Duration = .seconds(1)
        /// How much log there is at least before a checkpoint is written and the log trimmed; more for larger trees.
        public var checkpointLogBytes = 16 << 20
        /// Where to answer HTTP: `/commands` as ZooKeeper's admin server, `/metrics` for Prometheus, `/health`. It asks
        /// nobody who they are, so it belongs on a loopback or management address. `nil`: nowhere.
        public var adminListen: HostAndPort?
        /// How many connections there may be in all; 0: as many as the system lets this process open.
        public var maxConnections = 0
        /// The longest request in bytes (ZooKeeper's `jute.maxbuffer`). A longer one is answered with an error.
        public var maxFrameBytes = 0xFFFFF
        /// Whether a change that would exceed a hard quota is refused. As in ZooKeeper not unless wished: otherwise hard
        /// quotas only warn, as soft ones do.
        public var enforcesQuota = false
        /// The size of the log's files.
        public var logSegmentBytes = 16 << 20

        /// Makes a configuration.
        public init(
            dataDirectory: String, listen: [HostAndPort], tick: Duration = .milliseconds(2000),
            superDigest: String? = nil,
            fourLetterWords: Set<String> = ["srvr", "isro"], maxClientConnections: Int = 60,
            minSessionTimeout: Duration? = nil, maxSessionTimeout: Duration? = nil
        ) {
            self.dataDirectory = dataDirectory
            self.listen = listen
            self.tick = tick
            self.superDigest = superDigest
            self.fourLetterWords = fourLetterWords
            self.maxClientConnections = maxClientConnections
            self.minSessionTimeout = minSessionTimeout
            self.maxSessionTimeout = maxSessionTimeout
        }

        var engineSettings: Engine.Settings {
            let tickMilliseconds = min(max(1, tick.wholeMilliseconds), 3_600_000)
            var settings = Engine.Settings()
            settings.tickMilliseconds = tickMilliseconds
            settings.minimumSessionTimeout = max(1, minSessionTimeout?.wholeMilliseconds ?? tickMilliseconds * 2)
            settings.maximumSessionTimeout = max(
                settings.minimumSessionTimeout, maxSessionTimeout?.wholeMilliseconds ?? tickMilliseconds * 20)
            settings.superDigest = superDigest
            settings.superusers = Set(superusers.compactMap(Identity.init(schemeAndID:)))
            settings.saslUsers = saslUsers?.passwords ?? [:]
            settings.requiresSASL = requiresSASL
            // As in ZooKeeper, an access list can only name whom the server could recognise.
            if saslUsers != nil { settings.schemes.insert("sasl") }
            if tls != nil { settings.schemes.insert("x509") }
            settings.enforcesQuota = enforcesQuota
            settings.checkpointLogBytes = max(1, checkpointLogBytes)
            return settings
        }

        func applied(to limits: ServerCore.Limits) -> ServerCore.Limits {
            var limits = limits
            limits.connections = max(0, maxConnections)
            if maxFrameBytes != 0xFFFFF { limits.frameBytes = min(max(1024, maxFrameBytes), 64 << 20) }
            limits.skippedBytes = 2 * limits.frameBytes
            return limits
        }
    }
}

extension EmbeddedServer {
    /// The four-letter words that there are.
    public static var fourLetterWords: Set<String> { Engine.fourLetterWords }

    /// Whether a text can be the superuser's digest: a user, and 20 bytes in Base64.
    public static func isDigestID(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, parts[1].count == 28, parts[1].last == UInt8(ascii: "=") else {
            return false
        }
        let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        return parts[1].dropLast().allSatisfy(alphabet.contains)
    }
}
