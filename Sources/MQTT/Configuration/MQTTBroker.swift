/// Where a broker listens.
public struct MQTTBroker: Sendable, Hashable, CustomStringConvertible {
    public var host: String
    public var port: Int
    /// Whether the connection is encrypted (`mqtts`).
    public var secure: Bool

    public init(host: String, port: Int? = nil, secure: Bool = false) {
        self.host = host
        self.port = port ?? (secure ? 8883 : 1883)
        self.secure = secure
    }

    /// Reads `mqtt://host[:port]` or `mqtts://host[:port]`; an IPv6 address stands in brackets.
    ///
    /// - Throws: ``MQTTError/invalidConfiguration(_:)`` that says what was expected.
    public init(url: String) throws {
        let expected = "expected mqtt://HOST[:PORT] or mqtts://HOST[:PORT]"
        var rest: Substring
        if url.hasPrefix("mqtt://") {
            secure = false
            rest = url.dropFirst(7)
        } else if url.hasPrefix("mqtts://") {
            secure = true
            rest = url.dropFirst(8)
        } else {
            throw MQTTError.invalidConfiguration("broker \(url): \(expected)")
        }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        guard !rest.contains("@") else {
            throw MQTTError.invalidConfiguration("broker \(url): user and password do not belong in the address")
        }
        var portText: Substring?
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else {
                throw MQTTError.invalidConfiguration("broker \(url): ] is missing; \(expected)")
            }
            host = String(rest[rest.index(after: rest.startIndex)..<end])
            let after = rest[rest.index(after: end)...]
            if after.hasPrefix(":") {
                portText = after.dropFirst()
            } else if !after.isEmpty {
                throw MQTTError.invalidConfiguration("broker \(url): \(expected)")
            }
        } else if let colon = rest.firstIndex(of: ":") {
            host = String(rest[..<colon])
            portText = rest[rest.index(after: colon)...]
        } else {
            host = String(rest)
        }
        port = secure ? 8883 : 1883
        if let portText {
            guard let number = Int(portText), (1...65_535).contains(number) else {
                throw MQTTError.invalidConfiguration("broker \(url): the port must be a number from 1 to 65535")
            }
            port = number
        }
        guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 != UInt8(ascii: "/") }) else {
            throw MQTTError.invalidConfiguration("broker \(url): \(expected)")
        }
    }

    public var description: String {
        "\(secure ? "mqtts" : "mqtt")://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }
}
