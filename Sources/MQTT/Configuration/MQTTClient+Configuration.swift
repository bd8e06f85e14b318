import CMosquitto
import Glibc

extension MQTTClient {
    /// How messages are acknowledged to the broker.
    public enum Acknowledgement: Sendable, Hashable {
        /// When ``MQTTClient/acknowledge(through:)`` says so, at the latest after ``Configuration/acknowledgeHoldLimit``.
        case explicit
        /// When the consumer asks for the next batch: it has done with the one before.
        case whenNextBatchIsRequested
    }

    /// What a client connects to, as whom, and the limits that it keeps.
    public struct Configuration: Sendable {
        /// The broker that is preferred.
        public var broker: MQTTBroker
        /// Further brokers, at most fifteen, that act as one with ``broker``: a cluster, or bridged to each other. They are
        /// tried in this order when it cannot be reached, refuses, or falls silent. A broker that works is not left for a
        /// better one; after a connection has been cut ``broker`` comes first again.
        public var alternatives: [MQTTBroker] = []
        /// Clients that should be at the same broker as this one.
        public var companions: MQTTCompanions?
        /// Who we are to the broker; empty: the broker chooses, which needs ``cleanStart``.
        public var clientID: String
        public var protocolVersion: MQTTProtocolVersion = .v5
        /// Whether the broker forgets what it kept of an earlier session of this client.
        public var cleanStart = true
        /// How long the broker keeps the session after the connection is gone (MQTT 5).
        public var sessionExpiry: Duration = .zero
        /// How often the two sides must hear of each other. The library's least is 5 s.
        public var keepAlive: Duration = .seconds(10)
        public var username: String?
        public var password: String?
        /// Asked for the password at each attempt to connect, instead of ``password``: one that was changed is taken. What it
        /// throws is the reason why there is no connection.
        public var passwordSource: (@Sendable () throws -> String)?
        /// For `mqtts`; nil: the operating system's authorities and no certificate of our own.
        public var tls: MQTTTLS?
        public var will: MQTTWill?
        public var reconnect = MQTTBackoff()
        /// Whether another connection is made after one that is lost, given up or refused. With false ``MQTTClient/run()`` returns
        /// then, and ``MQTTClient/connectionState`` says why: for a client whose will must not be used twice.
        public var reconnects = true
        /// How long an attempt to connect may take, from the first packet to the broker's answer.
        public var connectTimeout: Duration = .seconds(10)
        /// How long the network's part of an attempt may take. A first packet that is lost is sent again after 1, 3 and 7 s;
        /// a new attempt is sooner.
        public var networkTimeout: Duration = .seconds(3)
        /// After how long without a sign of life from the broker's machine the connection is given up. The system asks for
        /// it (TCP keep-alive) once a second; it also holds for what was sent and not acknowledged (`TCP_USER_TIMEOUT`). A
        /// broker that hangs on a machine that lives is not noticed by this. Zero leaves it to ``keepAlive``.
        public var deadLinkTimeout: Duration = .seconds(3)
        /// Whether ``MQTTClient/run()`` connects only once ``MQTTClient/resume()`` has been called.
        public var startsSuspended = false

        /// Messages above QoS 0 that the broker may have sent without our acknowledgement (MQTT 5; on 3.1.1 the broker's
        /// own limit holds, 20 for mosquitto).
        public var receiveMaximum = 1_000
        /// Messages that may wait for the consumer; see ``MQTTClient/batches`` for what happens then.
        public var inboxMessageLimit = 100_000
        /// Bytes of topics and payloads that may wait for the consumer.
        public var inboxByteLimit = 64 * 1_024 * 1_024
        /// How long reading stops when the inbox is full, before messages are shed; at most a quarter of ``keepAlive``.
        public var inboxFullPause: Duration = .seconds(2)
        /// While messages stream in, a batch follows the one before after at least this long: waking the consumer costs far
        /// more than a message. A message that comes alone is not delayed.
        public var batchInterval: Duration = .microseconds(500)
        /// Larger payloads are dropped, and counted.
        public var maxPayload = 1_024 * 1_024
        public var acknowledgement: Acknowledgement = .explicit
        /// How long acknowledgements (and all that leaves on this connection after them) may be held back.
        public var acknowledgeHoldLimit: Duration = .milliseconds(500)

        /// Publishes that may stand without the broker's acknowledgement; the broker's own limit holds, too.
        public var maxInFlightPublishes = 500
        /// Publishes that may wait until one of those is acknowledged; the next one throws.
        public var maxWaitingPublishes = 4_096
        /// How long a stop waits for acknowledgements of publishes, and of the consumer's last batch.
        public var drainLimit: Duration = .seconds(1)

        public init(broker: MQTTBroker, clientID: String) {
            self.broker = broker
            self.clientID = clientID
        }

        /// All of them, the preferred one first.
        var brokers: [MQTTBroker] { [broker] + alternatives }
        var brokersInWords: String { brokers.map(\.description).joined(separator: " or ") }

        /// Says what is wrong before anything is tried.
        ///
        /// - Throws: ``MQTTError/invalidConfiguration(_:)``.
        public func validate() throws {
            func require(_ holds: Bool, _ text: @autoclosure () -> String) throws {
                if !holds { throw MQTTError.invalidConfiguration(text()) }
            }
            try require(isPlainText(clientID), "the client id must be text without control characters")
            try require(
                !clientID.isEmpty || cleanStart, "a client that keeps its session needs a client id")
            try require(
                (.seconds(5) ... .seconds(65_535)).contains(keepAlive), "keepAlive must be from 5 s to 65535 s")
            try require(connectTimeout > .zero && networkTimeout > .zero, "connecting needs time: more than 0 s")
            try require(
                deadLinkTimeout == .zero || (.seconds(2) ... .seconds(3_600)).contains(deadLinkTimeout),
                "deadLinkTimeout must be 0 or from 2 s to 1 h")
            try require(
                reconnect.initial >= .milliseconds(1) && reconnect.maximum >= reconnect.initial
                    && reconnect.afterRefusal >= .milliseconds(1),
                "the waits between attempts must be at least 1 ms, the longest not shorter than the first")
            try require((1...65_535).contains(receiveMaximum), "receiveMaximum must be from 1 to 65535")
            // The library walks the list of publishes in flight on each further one.
            try require((1...1_000).contains(maxInFlightPublishes), "maxInFlightPublishes must be from 1 to 1000")
            try require(maxWaitingPublishes >= 1, "maxWaitingPublishes must be at least 1")
            try require(
                (.zero ... .seconds(1)).contains(batchInterval), "batchInterval must be from 0 to 1 s")
            try require(inboxMessageLimit >= 1, "inboxMessageLimit must be at least 1")
            try require(
                (1...1_073_741_824).contains(inboxByteLimit), "inboxByteLimit must be from 1 byte to 1 GiB")
            try require((1...268_435_455).contains(maxPayload), "maxPayload must be from 1 byte to 256 MiB")
            for broker in brokers {
                try require(!broker.host.isEmpty && isPlainText(broker.host), "the broker's host is missing")
                try require((1...65_535).contains(broker.port), "the broker's port must be from 1 to 65535")
                // Or what is encrypted with one broker would be sent in the clear to another.
                try require(
                    broker.secure == self.broker.secure, "the brokers of a list must all be mqtt://, or all mqtts://")
            }
            try require(Set(brokers).count == brokers.count, "a broker is listed twice")
            try require(brokers.count <= 16, "at most 16 brokers can be listed")
            try require(username.map(isPlainText) ?? true, "the user name must not contain control characters")
            try require(!(password?.utf8.contains(0) ?? false), "the password must not contain a zero byte")
            try require(
                password == nil && passwordSource == nil || username != nil, "a password needs a user name")
            if let will {
                try require(isPublishTopic(Array(will.topic.utf8)), "the will's topic is not a topic to publish on")
                try require(will.payload.count <= 65_535, "the will's payload must not exceed 65535 bytes")
            }
            if let tls {
                try require(broker.secure, "TLS files are named but the broker is mqtt://, not mqtts://")
                try require(
                    (tls.certificateFile == nil) == (tls.keyFile == nil),
                    "a certificate needs its key, and a key its certificate")
                for file in [tls.caFile, tls.certificateFile, tls.keyFile].compactMap({ $0 }) {
                    try require(isReadable(file), "cannot read \(file)")
                }
            }
        }
    }
}

/// Text that MQTT lets stand in a string and C can carry: no control characters.
func isPlainText(_ text: String) -> Bool {
    text.utf8.count <= 65_535 && text.unicodeScalars.allSatisfy { $0.value > 0x1f && !(0x7f...0x9f).contains($0.value) }
}

/// Whether one may publish on `topic`: not empty, no wildcard, no control characters, valid UTF-8.
func isPublishTopic(_ topic: [UInt8]) -> Bool {
    guard !topic.isEmpty, topic.count <= 65_535, !topic.contains(0) else { return false }
    return topic.withUnsafeBytes { bytes in
        let text = bytes.assumingMemoryBound(to: CChar.self).baseAddress
        return mosquitto_pub_topic_check2(text, bytes.count) == MOSQ_ERR_SUCCESS.code
            && mosquitto_validate_utf8(text, Int32(clamping: bytes.count)) == MOSQ_ERR_SUCCESS.code
    }
}

private func isReadable(_ path: String) -> Bool { access(path, R_OK) == 0 }
