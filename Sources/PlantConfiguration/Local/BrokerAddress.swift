package import Primitives

/// `mqtt://host:port` or `mqtts://host:port`.
package struct BrokerAddress: Sendable, Hashable, CustomStringConvertible {
    package var isSecure: Bool
    package var endpoint: HostAndPort

    package init(isSecure: Bool, endpoint: HostAndPort) {
        self.isSecure = isSecure
        self.endpoint = endpoint
    }

    package var description: String { (isSecure ? "mqtts://" : "mqtt://") + endpoint.description }
}
