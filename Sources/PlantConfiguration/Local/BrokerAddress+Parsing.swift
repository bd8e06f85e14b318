import Primitives

extension BrokerAddress {
    /// What is wrong with a broker's address.
    package struct Mistake: Error, CustomStringConvertible {
        package var description: String
        package static let expected = "mqtt://HOST[:1883] or mqtts://HOST[:8883]"
    }

    /// Reads `mqtt://host[:port]` or `mqtts://host[:port]`.
    package init(parsing text: String) throws(Mistake) {
        let schemes: [(prefix: String, isSecure: Bool, port: Int)] = [
            ("mqtt://", false, 1883), ("mqtts://", true, 8883), ("tcp://", false, 1883), ("ssl://", true, 8883),
        ]
        guard let scheme = schemes.first(where: { text.hasPrefix($0.prefix) }) else {
            throw Mistake(
                description: text.contains("://")
                    ? "\"\(text)\" has an unknown scheme" : "\"\(text)\" does not begin with mqtt:// or mqtts://")
        }
        var address = String(text.dropFirst(scheme.prefix.count))
        if address.hasSuffix("/") { address.removeLast() }
        guard !address.contains("@") else {
            throw Mistake(
                description: "the address carries a user name; put it under username, and the password into a file")
        }
        guard let endpoint = HostAndPort(address, defaultPort: scheme.port), endpoint.port > 0 else {
            throw Mistake(description: "\"\(text)\" is not an address")
        }
        self.init(isSecure: scheme.isSecure, endpoint: endpoint)
    }
}
