/// `host:port`; an IPv6 address stands in brackets.
package struct HostAndPort: Sendable, Hashable, CustomStringConvertible {
    package var host: String
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// nil when `text` is not `host:port` (or `host`, when there is a default port).
    package init?(_ text: String, defaultPort: Int? = nil) {
        var host: Substring
        let rest: Substring
        if text.hasPrefix("[") {
            guard let close = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<close]
            rest = text[text.index(after: close)...]
            guard host.contains(":") else { return nil }
        } else {
            let colon = text.firstIndex(of: ":") ?? text.endIndex
            host = text[..<colon]
            rest = text[colon...]
        }
        guard !host.isEmpty, host.utf8.allSatisfy(Self.isAllowed) else { return nil }
        if rest.isEmpty {
            guard let defaultPort else { return nil }
            self.init(host: String(host), port: defaultPort)
        } else {
            guard rest.first == ":", let port = UInt16(rest.dropFirst()) else { return nil }
            self.init(host: String(host), port: Int(port))
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

    package var isIPv6: Bool { host.contains(":") }

    /// Every interface of the machine.
    package var isWildcard: Bool { ["0.0.0.0", "::", "*"].contains(host) }

    /// Reachable from this machine only.
    package var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }

    package var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
