import CMosquitto
import Glibc

// Free functions, in a file that is no `main.swift`: a closure given to C there would be isolated to the main actor and
// would trap on the connection's thread. Each recovers the context, copies, and returns; none throws, blocks or logs.
// The context is not retained: the loop owns it for as long as the handle lives, on this same thread.

private func context(_ object: UnsafeMutableRawPointer?) -> CallbackContext? {
    object.map { Unmanaged<CallbackContext>.fromOpaque($0).takeUnretainedValue() }
}

func mosquittoConnected(
    _ handle: OpaquePointer?, _ object: UnsafeMutableRawPointer?, _ reason: Int32, _ flags: Int32,
    _ properties: OpaquePointer?
) {
    guard let context = context(object) else { return }
    var accepted = CallbackContext.Accepted(reason: reason, sessionPresent: flags & 1 != 0)
    if let properties {
        var maximum: UInt16 = 0
        if mosquitto_property_read_int16(properties, Int32(MQTT_PROP_RECEIVE_MAXIMUM.rawValue), &maximum, false) != nil
        {
            accepted.receiveMaximum = maximum
        }
        var retains: UInt8 = 1
        if mosquitto_property_read_byte(properties, Int32(MQTT_PROP_RETAIN_AVAILABLE.rawValue), &retains, false) != nil
        {
            accepted.retainsMessages = retains != 0
        }
        accepted.reasonText = PropertyList.string(properties, MQTT_PROP_REASON_STRING)
    }
    context.connectAnswer = accepted
}

func mosquittoDisconnected(
    _ handle: OpaquePointer?, _ object: UnsafeMutableRawPointer?, _ reason: Int32, _ properties: OpaquePointer?
) {
    context(object)?.disconnected = reason
}

func mosquittoMessageArrived(
    _ handle: OpaquePointer?, _ object: UnsafeMutableRawPointer?, _ message: UnsafePointer<mosquitto_message>?,
    _ properties: OpaquePointer?
) {
    guard let object, let message, let topic = message.pointee.topic else { return }
    let context = Unmanaged<CallbackContext>.fromOpaque(object).takeUnretainedValue()
    let payload = UnsafeRawBufferPointer(
        start: message.pointee.payload, count: max(0, Int(message.pointee.payloadlen)))
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    context.messageArrived(
        topic: UnsafeRawBufferPointer(start: topic, count: strlen(topic)), payload: payload, qos: message.pointee.qos,
        retain: message.pointee.retain, properties: properties.flatMap { PropertyList.read($0) },
        receivedAtMs: Int64(now.tv_sec) &* 1_000 &+ Int64(now.tv_nsec) / 1_000_000)
}

func mosquittoPublished(
    _ handle: OpaquePointer?, _ object: UnsafeMutableRawPointer?, _ mid: Int32, _ reason: Int32,
    _ properties: OpaquePointer?
) {
    context(object)?.publishAnswers.append((mid, reason))
}

func mosquittoSubscribed(
    _ handle: OpaquePointer?, _ object: UnsafeMutableRawPointer?, _ mid: Int32, _ count: Int32,
    _ codes: UnsafePointer<Int32>?, _ properties: OpaquePointer?
) {
    let granted = UnsafeBufferPointer(start: codes, count: codes == nil ? 0 : max(0, Int(count)))
    context(object)?.subscribeAnswers.append((mid, Array(granted)))
}

/// Set while connecting only: the library formats every packet for it.
func mosquittoComplained(
    _ handle: OpaquePointer?, _ object: UnsafeMutableRawPointer?, _ level: Int32, _ text: UnsafePointer<CChar>?
) {
    guard level == MOSQ_LOG_ERR || level == MOSQ_LOG_WARNING, let text else { return }
    if let verdict = handle.flatMap(CertificateVerdict.text(of:)) {
        context(object)?.complained("the broker's certificate is not accepted: \(verdict)")
    }
    context(object)?.complained(String(cString: text))
}

/// OpenSSL's question for the password of a key. Without an answer of ours it would ask on the terminal.
func mosquittoKeyPassword(
    _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int32, _ writing: Int32, _ object: UnsafeMutableRawPointer?
) -> Int32 {
    guard let buffer, let object,
        let password = context(mosquitto_userdata(OpaquePointer(object)))?.keyPassword
    else { return 0 }
    let bytes = Array(password.utf8)
    guard bytes.count < Int(size) else { return 0 }
    for (index, byte) in bytes.enumerated() { buffer[index] = CChar(bitPattern: byte) }
    buffer[bytes.count] = 0
    return Int32(bytes.count)
}
