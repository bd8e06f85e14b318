import Primitives

/// Where one server listens: a name or address, resolved anew at every attempt, and a port.
public struct ServerAddress: Hashable, Sendable, CustomStringConvertible {
    /// ZooKeeper's port unless told otherwise.
    public static let defaultPort = 2181

    /// A host name, an IPv4 address, or an IPv6 address without brackets.
    public var host: String
    /// The TCP port.
    public var port: Int

    /// Makes an address.
    public init(host: String, port: Int = ServerAddress.defaultPort) {
        self.host = host
        self.port = port
    }

    /// Reads `host:port` or `host`, an IPv6 address in brackets; `nil` for anything else.
    init?(_ text: some StringProtocol) {
        guard let address = HostAndPort(text, defaultPort: Self.defaultPort), address.port > 0 else { return nil }
        self.init(host: address.host, port: address.port)
    }

    /// `host:port`, with brackets round an IPv6 address.
    public var description: String { HostAndPort(host: host, port: port).description }
}
