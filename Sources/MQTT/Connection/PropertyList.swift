import CMosquitto
import Glibc

/// libmosquitto's property list: ours while it is written, the library's while it is read.
struct PropertyList: ~Copyable {
    private(set) var pointer: OpaquePointer?

    init() { pointer = nil }

    deinit {
        var pointer = pointer
        if pointer != nil { mosquitto_property_free_all(&pointer) }
    }

    /// Gives the list away; the taker frees it.
    consuming func take() -> OpaquePointer? {
        let taken = pointer
        pointer = nil
        return taken
    }

    mutating func add(byte: UInt8, _ identifier: mqtt5_property) throws {
        try check(mosquitto_property_add_byte(&pointer, Int32(identifier.rawValue), byte), identifier)
    }

    mutating func add(int32: UInt32, _ identifier: mqtt5_property) throws {
        try check(mosquitto_property_add_int32(&pointer, Int32(identifier.rawValue), int32), identifier)
    }

    mutating func add(_ string: String, _ identifier: mqtt5_property) throws {
        try requireText(string, identifier)
        try check(mosquitto_property_add_string(&pointer, Int32(identifier.rawValue), string), identifier)
    }

    mutating func add(binary: [UInt8], _ identifier: mqtt5_property) throws {
        guard let count = UInt16(exactly: binary.count) else { throw MQTTError.invalidProperty(name(identifier)) }
        try check(mosquitto_property_add_binary(&pointer, Int32(identifier.rawValue), binary, count), identifier)
    }

    mutating func add(pair: MQTTProperties.UserProperty, _ identifier: mqtt5_property) throws {
        try requireText(pair.name, identifier)
        try requireText(pair.value, identifier)
        try check(
            mosquitto_property_add_string_pair(&pointer, Int32(identifier.rawValue), pair.name, pair.value), identifier)
    }

    /// Adds what travels with a message.
    mutating func add(_ properties: MQTTProperties) throws {
        if properties.payloadIsText { try add(byte: 1, MQTT_PROP_PAYLOAD_FORMAT_INDICATOR) }
        if let expiry = properties.messageExpiry {
            try add(int32: expiry.wholeSeconds, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL)
        }
        if let text = properties.contentType { try add(text, MQTT_PROP_CONTENT_TYPE) }
        if let topic = properties.responseTopic { try add(topic, MQTT_PROP_RESPONSE_TOPIC) }
        if let data = properties.correlationData { try add(binary: data, MQTT_PROP_CORRELATION_DATA) }
        for pair in properties.userProperties { try add(pair: pair, MQTT_PROP_USER_PROPERTY) }
    }

    /// Reads what travelled with a message; nil when nothing of it concerns us.
    static func read(_ list: OpaquePointer) -> MQTTProperties? {
        var properties = MQTTProperties()
        properties.responseTopic = string(list, MQTT_PROP_RESPONSE_TOPIC)
        properties.contentType = string(list, MQTT_PROP_CONTENT_TYPE)
        var seconds: UInt32 = 0
        if mosquitto_property_read_int32(list, Int32(MQTT_PROP_MESSAGE_EXPIRY_INTERVAL.rawValue), &seconds, false)
            != nil
        {
            properties.messageExpiry = .seconds(Int64(seconds))
        }
        var format: UInt8 = 0
        if mosquitto_property_read_byte(list, Int32(MQTT_PROP_PAYLOAD_FORMAT_INDICATOR.rawValue), &format, false) != nil
        {
            properties.payloadIsText = format == 1
        }
        var data: UnsafeMutableRawPointer?
        var length: UInt16 = 0
        if mosquitto_property_read_binary(list, Int32(MQTT_PROP_CORRELATION_DATA.rawValue), &data, &length, false)
            != nil
        {
            properties.correlationData = Array(
                UnsafeRawBufferPointer(start: data, count: data == nil ? 0 : Int(length)))
            free(data)
        }
        readUserProperties(list, into: &properties)
        return properties.isEmpty ? nil : properties
    }

    private static func readUserProperties(_ list: OpaquePointer, into properties: inout MQTTProperties) {
        var next: OpaquePointer? = list
        var skipsFirst = false
        while let current = next {
            var name: UnsafeMutablePointer<CChar>?
            var value: UnsafeMutablePointer<CChar>?
            next = mosquitto_property_read_string_pair(
                current, Int32(MQTT_PROP_USER_PROPERTY.rawValue), &name, &value, skipsFirst)
            if next != nil, let name, let value {
                properties.userProperties.append(.init(String(cString: name), String(cString: value)))
            }
            free(name)
            free(value)
            skipsFirst = true
        }
    }

    static func string(_ list: OpaquePointer, _ identifier: mqtt5_property) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard mosquitto_property_read_string(list, Int32(identifier.rawValue), &text, false) != nil, let text else {
            return nil
        }
        defer { free(text) }
        return String(cString: text)
    }

    private func requireText(_ text: String, _ identifier: mqtt5_property) throws {
        guard isPlainText(text) else { throw MQTTError.invalidProperty(name(identifier)) }
    }

    private func check(_ code: Int32, _ identifier: mqtt5_property) throws {
        guard code == MOSQ_ERR_SUCCESS.code else { throw MQTTError.invalidProperty(name(identifier)) }
    }

    private func name(_ identifier: mqtt5_property) -> String {
        mosquitto_property_identifier_to_string(Int32(identifier.rawValue)).map { String(cString: $0) } ?? "property"
    }
}
