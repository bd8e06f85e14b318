/// What libmosquitto's callbacks write down for the loop that called the library.
///
/// One a connection, used on the connection's thread only: libmosquitto calls back from inside `loop_read`, `loop_write`
/// and `loop_misc`, and from no other place, because no thread of its own is ever started.
final class CallbackContext {
    struct Accepted {
        var reason: Int32
        var sessionPresent: Bool
        /// How many publishes the broker lets stand (MQTT 5), 65535 when it does not say.
        var receiveMaximum: UInt16 = .max
        var reasonText: String?
        /// Whether the broker retains messages (MQTT 5); true when it does not say.
        var retainsMessages = true
    }

    let maxPayload: Int
    let hasProperties: Bool
    let keyPassword: String?

    /// The burst that is being read; nil between bursts.
    var builder = BatchBuilder(reservingMessages: 0, bytes: 0)
    /// Messages and bytes added since the last ``takeReceived()``.
    private var received: UInt64 = 0
    private var receivedBytes: UInt64 = 0
    private var tooLarge: UInt64 = 0
    private var acknowledgementsOwed = 0
    /// Messages that have arrived, whatever became of them.
    private(set) var arrivals: UInt64 = 0

    var connectAnswer: Accepted?
    var subscribeAnswers: [(mid: Int32, codes: [Int32])] = []
    var publishAnswers: [(mid: Int32, reason: Int32)] = []
    /// The reason in a DISCONNECT of the broker, or the library's own number.
    var disconnected: Int32?
    /// The library's complaints while connecting: the only place where it says what was wrong with a certificate.
    private(set) var complaint: String?

    init(maxPayload: Int, hasProperties: Bool, keyPassword: String?) {
        self.maxPayload = maxPayload
        self.hasProperties = hasProperties
        self.keyPassword = keyPassword
    }

    /// Keeps the first few complaints: the first says what is wrong, the later ones what failed because of it.
    func complained(_ text: String) {
        guard let before = complaint else {
            complaint = text
            return
        }
        if before.utf8.count < 300 { complaint = "\(before); \(text)" }
    }

    func messageArrived(
        topic: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer, qos: Int32, retain: Bool,
        properties: MQTTProperties?, receivedAtMs: Int64
    ) {
        arrivals &+= 1
        let level = MQTTQoS(rawValue: UInt8(clamping: qos)) ?? .atLeastOnce
        // Dropped or not, the library has queued its acknowledgement.
        if level != .atMostOnce { acknowledgementsOwed &+= 1 }
        guard payload.count <= maxPayload,
            builder.append(
                topic: topic, payload: payload, qos: level, retain: retain, properties: properties,
                receivedAtMs: receivedAtMs)
        else {
            tooLarge &+= 1
            return
        }
        received &+= 1
        receivedBytes &+= UInt64(topic.count &+ payload.count)
    }

    /// Adds what has been counted since the last call to `statistics`.
    func takeReceived(into statistics: inout MQTTStatistics) {
        statistics.received &+= received
        statistics.receivedBytes &+= receivedBytes
        statistics.droppedTooLarge &+= tooLarge
        (received, receivedBytes, tooLarge) = (0, 0, 0)
    }

    var hasNewMessages: Bool { received > 0 }
    var hasNewCounts: Bool { received > 0 || tooLarge > 0 }

    /// How many messages above QoS 0 have arrived since the last call.
    func takeAcknowledgementsOwed() -> Int {
        defer { acknowledgementsOwed = 0 }
        return acknowledgementsOwed
    }
}
