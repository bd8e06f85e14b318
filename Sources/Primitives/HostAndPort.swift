/// A host name or an address, and a port: `host:port`, an IPv6 address in brackets.
///
/// The one place that reads and writes this form. What an address is for (a server of the tree, a broker, something to
/// listen on) and whether port 0 means anything there is the caller's to say.
public struct HostAndPort: Sendable, Hashable, CustomStringConvertible {
    /// A host name, an IPv4 address, or an IPv6 address without brackets. To listen on, `0.0.0.0` and `::` are every
    /// interface of the machine.
    public var host: String
    /// From 0 to 65535. To listen on, 0 lets the system choose one.
    public var port: Int

    /// Makes it from its parts, which are not checked.
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `host:port`, or `host` where there is a default port. `nil` for anything else: a host that is empty or has
    /// characters that neither names nor addresses have, an IPv6 address without brackets, a port above 65535.
    public init?(_ text: some StringProtocol, defaultPort: Int? = nil) {
        let host: String
        let rest: String
        if text.hasPrefix("[") {
            guard let close = text.firstIndex(of: "]") else { return nil }
            host = String(text[text.index(after: text.startIndex)..<close])
            rest = String(text[text.index(after: close)...])
            guard host.contains(":") else { return nil }
        } else {
            let colon = text.firstIndex(of: ":") ?? text.endIndex
            host = String(text[..<colon])
            rest = String(text[colon...])
        }
        guard !host.isEmpty, host.utf8.allSatisfy(Self.isAllowed) else { return nil }
        if rest.isEmpty {
            guard let defaultPort else { return nil }
            self.init(host: host, port: defaultPort)
        } else {
            guard rest.first == ":", let port = UInt16(rest.dropFirst()) else { return nil }
            self.init(host: host, port: Int(port))
        }
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
            UInt8(ascii: ":"), UInt8(ascii: "%"):
            true
        default: false
        }
    }

    /// Whether the host is an IPv6 address.
    public var isIPv6: Bool { host.utf8.contains(UInt8(ascii: ":")) }

    /// Every interface of the machine.
    public var isWildcard: Bool { ["0.0.0.0", "::", "*"].contains(host) }

    /// Reachable from this machine only.
    public var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }

    public var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
