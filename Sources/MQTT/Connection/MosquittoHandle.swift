import CMosquitto
import Glibc

extension mosq_err_t {
    /// As the library's functions return it.
    var code: Int32 { rawValue }
}

/// One connection's `struct mosquitto`: made, used and destroyed on the connection's thread.
///
/// A handle serves one attempt to connect and the connection that comes of it. It is never reused: whatever the library
/// still has queued dies with it, so that nothing is sent again behind our back.
final class MosquittoHandle {
    private let pointer: OpaquePointer
    /// The library holds an unretained pointer to it.
    let context: CallbackContext
    private let configuration: MQTTClient.Configuration
    /// Whether the broker is asked to retain anything.
    private let retains: Bool

    /// Starts the library, once a process. Never ended: other handles may be in use.
    private static let library: Int32 = mosquitto_lib_init()

    /// Makes the handle and sets everything that must be set before connecting.
    ///
    /// - Parameter retains: whether the broker may be asked to retain the will and what is published.
    init(_ configuration: MQTTClient.Configuration, retains: Bool) throws {
        try Self.check(Self.library)
        let isV5 = configuration.protocolVersion == .v5
        let context = CallbackContext(
            maxPayload: configuration.maxPayload, hasProperties: isV5, keyPassword: configuration.tls?.keyPassword)
        let object = Unmanaged.passUnretained(context).toOpaque()
        let identifier = configuration.clientID.isEmpty ? nil : configuration.clientID
        guard let pointer = mosquitto_new(identifier, configuration.cleanStart, object) else {
            throw MQTTError.library(code: errno, text: String(cString: strerror(errno)))
        }
        self.pointer = pointer
        self.context = context
        self.configuration = configuration
        self.retains = retains
        try setOptions()
        if configuration.broker.secure { try setTLS(configuration.tls ?? MQTTTLS()) }
        if let will = configuration.will { try setWill(will) }
        mosquitto_connect_v5_callback_set(pointer, mosquittoConnected)
        mosquitto_disconnect_v5_callback_set(pointer, mosquittoDisconnected)
        mosquitto_message_v5_callback_set(pointer, mosquittoMessageArrived)
        mosquitto_publish_v5_callback_set(pointer, mosquittoPublished)
        mosquitto_subscribe_v5_callback_set(pointer, mosquittoSubscribed)
        mosquitto_log_callback_set(pointer, mosquittoComplained)
    }

    deinit { mosquitto_destroy(pointer) }

    private func setOptions() throws {
        // "Threaded" by a thread of our own: then the library queues packets, and they leave when we call loop_write.
        try Self.check(mosquitto_threaded_set(pointer, true))
        try Self.check(
            mosquitto_int_option(
                pointer, MOSQ_OPT_PROTOCOL_VERSION,
                configuration.protocolVersion == .v5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311))
        try Self.check(
            mosquitto_int_option(pointer, MOSQ_OPT_RECEIVE_MAXIMUM, Int32(clamping: configuration.receiveMaximum)))
        try Self.check(
            mosquitto_int_option(pointer, MOSQ_OPT_SEND_MAXIMUM, Int32(clamping: configuration.maxInFlightPublishes)))
        try Self.check(mosquitto_int_option(pointer, MOSQ_OPT_TCP_NODELAY, 1))
        if let username = configuration.username {
            let password = try configuration.passwordSource?() ?? configuration.password
            try Self.check(mosquitto_username_pw_set(pointer, username, password))
        }
    }

    private func setTLS(_ tls: MQTTTLS) throws {
        if tls.caFile != nil {
            try Self.check(
                mosquitto_tls_set(pointer, tls.caFile, nil, tls.certificateFile, tls.keyFile, mosquittoKeyPassword))
        } else {
            try Self.check(mosquitto_int_option(pointer, MOSQ_OPT_TLS_USE_OS_CERTS, 1))
            if tls.certificateFile != nil {
                // The library takes no certificate without a source of authorities; the system's folder is one.
                try Self.check(
                    mosquitto_tls_set(
                        pointer, nil, "/etc/ssl/certs", tls.certificateFile, tls.keyFile, mosquittoKeyPassword))
            }
        }
        // 1: SSL_VERIFY_PEER. Versions: 1.2 and later, the library's default.
        try Self.check(mosquitto_tls_opts_set(pointer, 1, nil, nil))
        try Self.check(mosquitto_tls_insecure_set(pointer, !tls.verifyHostname))
    }

    private func setWill(_ will: MQTTWill) throws {
        var list = PropertyList()
        if context.hasProperties {
            try list.add(will.properties)
            if will.delay > .zero { try list.add(int32: will.delay.wholeSeconds, MQTT_PROP_WILL_DELAY_INTERVAL) }
        }
        let properties = list.take()
        let code = mosquitto_will_set_v5(
            pointer, will.topic, Int32(clamping: will.payload.count), will.payload, Int32(will.qos.rawValue),
            will.retain && retains, properties)
        if code != MOSQ_ERR_SUCCESS.code, properties != nil {
            // The library owns the list only when it has taken it.
            var refused = properties
            mosquitto_property_free_all(&refused)
        }
        try Self.check(code)
    }

    /// Starts connecting without waiting for the network; only the look-up of the host's name may block.
    ///
    /// - Parameter onlyIPv4: the library tries but the first address that a name has. When that one is of a network that
    ///   is not there, the other family gets its turn.
    func connect(onlyIPv4: Bool) -> Int32 {
        let keepAlive = Int32(clamping: configuration.keepAlive.components.seconds)
        if context.hasProperties {
            var list = PropertyList()
            do {
                try list.add(int32: configuration.sessionExpiry.wholeSeconds, MQTT_PROP_SESSION_EXPIRY_INTERVAL)
                // What the library allocates for one packet is bounded by what the broker may send.
                let packet = max(16 * 1_024 * 1_024, configuration.maxPayload &+ 70_000)
                try list.add(int32: UInt32(clamping: packet), MQTT_PROP_MAXIMUM_PACKET_SIZE)
            } catch {
                return MOSQ_ERR_NOMEM.code
            }
            // There is no call that takes properties and does not block. This one stores the properties, and then refuses
            // the missing host; the next one uses what is stored.
            _ = mosquitto_connect_bind_v5(pointer, nil, 0, keepAlive, nil, list.pointer)
        }
        return remembering(
            mosquitto_connect_bind_async(
                pointer, configuration.broker.host, Int32(clamping: configuration.broker.port), keepAlive,
                onlyIPv4 ? "0.0.0.0" : nil))
    }

    /// The library formats every packet for a log callback: it is only wanted for what goes wrong while connecting.
    func stopListeningToComplaints() { mosquitto_log_callback_set(pointer, nil) }

    /// -1 when there is no connection.
    var socket: Int32 { mosquitto_socket(pointer) }
    var wantsToWrite: Bool { mosquitto_want_write(pointer) }

    /// The system's error number after the last failed call.
    private(set) var lastErrno: Int32 = 0

    /// Reads one packet, or as much of it as is there. `drained`: there is nothing more for now.
    func read() -> (code: Int32, drained: Bool) {
        let arrivedBefore = context.arrivals
        errno = 0
        let code = mosquitto_loop_read(pointer, 1)
        let number = errno
        if code != MOSQ_ERR_SUCCESS.code { lastErrno = number }
        // The number alone does not say it: whatever the library queues, an acknowledgement, say, it announces on a pair of
        // sockets of its own, which nobody reads here. That pair is soon full, and leaves EAGAIN behind each time.
        let isDry = number == EAGAIN || number == EWOULDBLOCK
        return (code, isDry && context.arrivals == arrivedBefore)
    }

    /// Writes what is queued until the network takes no more.
    func write() -> Int32 { remembering(mosquitto_loop_write(pointer, 1)) }

    /// Sends a ping when it is time; ends the connection when the last one was not answered.
    func misc() -> Int32 { remembering(mosquitto_loop_misc(pointer)) }

    private func remembering(_ code: Int32) -> Int32 {
        let number = errno
        if code != MOSQ_ERR_SUCCESS.code { lastErrno = number }
        return code
    }

    func disconnect() -> Int32 { mosquitto_disconnect_v5(pointer, 0, nil) }

    func subscribe(_ subscription: MQTTSubscription) -> (code: Int32, mid: Int32) {
        var mid: Int32 = 0
        let code = mosquitto_subscribe_v5(
            pointer, &mid, subscription.filter, Int32(subscription.qos.rawValue),
            context.hasProperties ? subscription.options : 0, nil)
        return (code, mid)
    }

    func unsubscribe(_ filter: String) -> Int32 { mosquitto_unsubscribe_v5(pointer, nil, filter, nil) }

    /// Queues a publish in the library. The topic has been checked: it has no zero byte.
    ///
    /// - Parameter mayRetain: false for a broker that retains nothing: a message is better than a refusal.
    func publish(_ slot: PublishSlot, mayRetain: Bool) throws -> Int32 {
        var list = PropertyList()
        if context.hasProperties, !slot.properties.isEmpty { try list.add(slot.properties) }
        guard let count = Int32(exactly: slot.payload.count) else {
            throw MQTTError.payloadTooLarge(slot.payload.count)
        }
        var mid: Int32 = 0
        let code = (slot.topic + [0]).withUnsafeBufferPointer { topic in
            topic.withMemoryRebound(to: CChar.self) { text in
                mosquitto_publish_v5(
                    pointer, &mid, text.baseAddress, count, slot.payload, Int32(slot.qos.rawValue),
                    slot.retain && mayRetain, list.pointer)
            }
        }
        switch code {
        case MOSQ_ERR_SUCCESS.code: return mid
        case MOSQ_ERR_PAYLOAD_SIZE.code, MOSQ_ERR_OVERSIZE_PACKET.code:
            throw MQTTError.payloadTooLarge(slot.payload.count)
        case MOSQ_ERR_INVAL.code, MOSQ_ERR_MALFORMED_UTF8.code:
            throw MQTTError.invalidTopic(String(decoding: slot.topic, as: UTF8.self))
        case MOSQ_ERR_QOS_NOT_SUPPORTED.code: throw MQTTError.refused(.qosNotSupported)
        case MOSQ_ERR_RETAIN_NOT_SUPPORTED.code: throw MQTTError.refused(.retainNotSupported)
        default: throw MQTTError.library(code: code, text: Self.text(code))
        }
    }

    /// Lets the small packets of one `write()` travel together. For plain TCP; harmless otherwise.
    func cork(_ on: Bool) {
        var value: Int32 = on ? 1 : 0
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_CORK, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Acknowledges what was received on the level of TCP at once. Otherwise the system waits for our next packet to carry
    /// that, which is held back with the acknowledgements of MQTT, and a broker whose socket coalesces small packets
    /// (Nagle's algorithm, mosquitto's default) sends nothing more until then.
    func acknowledgeSegments() {
        var value: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_QUICKACK, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Has the system end the connection when the other machine gives no sign of life.
    ///
    /// The system looks at the time once a second, with each probe, so that a second less is asked of it.
    func noticeDeadLink(within limit: Duration) {
        guard limit > .zero else { return }
        func set(_ level: Int32, _ option: Int32, _ value: Int32) {
            var value = value
            setsockopt(socket, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
        }
        set(SOL_SOCKET, SO_KEEPALIVE, 1)
        set(Int32(IPPROTO_TCP), TCP_KEEPIDLE, 1)
        set(Int32(IPPROTO_TCP), TCP_KEEPINTVL, 1)
        set(
            Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, max(limit - .milliseconds(1_200), .milliseconds(500)).pollMilliseconds
        )
    }

    /// Why a call that returned `code` failed, in words.
    func disconnection(_ code: Int32) -> MQTTDisconnection {
        if let answer = context.connectAnswer, answer.reason != 0 {
            return .refused(MQTTReasonCode(connectAnswer: answer.reason, version: configuration.protocolVersion))
        }
        switch code {
        case MOSQ_ERR_SUCCESS.code:
            // The broker's DISCONNECT is no failure of the library; its reason came by the callback.
            return .closedByBroker(MQTTReasonCode(rawValue: UInt8(clamping: context.disconnected ?? 0)))
        case MOSQ_ERR_TLS.code, MOSQ_ERR_TLS_HANDSHAKE.code:
            return .tls(context.complaint ?? Self.text(code))
        case MOSQ_ERR_ERRNO.code where configuration.broker.secure && lastErrno == EPROTO:
            return .tls(context.complaint ?? "the broker broke the encrypted connection")
        case MOSQ_ERR_ERRNO.code:
            return .network(code: lastErrno, text: String(cString: strerror(lastErrno)))
        case MOSQ_ERR_EAI.code:
            return .network(
                code: lastErrno, text: "\(configuration.broker.host): \(String(cString: gai_strerror(lastErrno)))")
        case MOSQ_ERR_KEEPALIVE.code:
            return .timedOut("the broker's answer to a ping")
        case MOSQ_ERR_CONN_LOST.code where configuration.broker.secure && context.connectAnswer == nil:
            if let complaint = context.complaint { return .tls(complaint) }
            // With TLS 1.3 a broker refuses a certificate after our side of the handshake is done.
            return .network(
                code: code,
                text: "the broker closed the encrypted connection; it may want another certificate, or speak no TLS")
        case MOSQ_ERR_CONN_LOST.code, MOSQ_ERR_NO_CONN.code:
            return .network(code: code, text: Self.text(code))
        default:
            return .protocolError(code: code, text: Self.text(code))
        }
    }

    /// The error that a connecting socket ended with; 0 when it connected.
    func pendingSocketError() -> Int32 {
        var number: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(socket, SOL_SOCKET, SO_ERROR, &number, &length)
        return number
    }

    static func text(_ code: Int32) -> String {
        mosquitto_strerror(code).map { String(cString: $0) } ?? "unknown error"
    }

    private static func check(_ code: Int32) throws {
        guard code == MOSQ_ERR_SUCCESS.code else { throw MQTTError.library(code: code, text: text(code)) }
    }
}
