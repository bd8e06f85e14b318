import Primitives

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
        let expected = "expected mqtt://HOST[:PORT] or mqtts://HOST[:PORT], with a port from 1 to 65535"
        var rest: Substring
        let secure: Bool
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
        guard let address = HostAndPort(rest, defaultPort: secure ? 8883 : 1883), address.port > 0 else {
            throw MQTTError.invalidConfiguration("broker \(url): \(expected)")
        }
        self.init(host: address.host, port: address.port, secure: secure)
    }

    public var description: String {
        "\(secure ? "mqtts" : "mqtt")://\(HostAndPort(host: host, port: port))"
    }
}
