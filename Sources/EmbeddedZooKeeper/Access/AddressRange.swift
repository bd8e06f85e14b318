#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// An IP address or a range in CIDR notation, as the id of the `ip` scheme.
struct AddressRange: Hashable, Sendable {
    let bytes: [UInt8]
    let prefix: Int

    /// Reads `10.1.2.3`, `10.0.0.0/8`, `::1` or `fe80::/10`; `nil` for anything else.
    init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let bytes = Self.bytes(of: String(first)) else { return nil }
        self.bytes = bytes
        if parts.count == 2 {
            guard let prefix = Int(parts[1]), (0...bytes.count * 8).contains(prefix) else { return nil }
            self.prefix = prefix
        } else {
            prefix = bytes.count * 8
        }
    }

    func contains(_ address: String) -> Bool {
        guard let other = Self.bytes(of: address), other.count == bytes.count else { return false }
        for index in 0..<bytes.count {
            let bits = min(8, prefix - index * 8)
            if bits <= 0 { return true }
            let mask = UInt8(truncatingIfNeeded: 0xFF00 >> bits)
            if (bytes[index] ^ other[index]) & mask != 0 { return false }
        }
        return true
    }

    /// The address in network order; an IPv4 address that an IPv6 socket saw counts as IPv4.
    static func bytes(of text: String) -> [UInt8]? {
        guard text.contains(":") else { return v4Bytes(of: text) }
        var v6 = in6_addr()
        guard inet_pton(AF_INET6, text, &v6) == 1 else { return nil }
        let bytes = withUnsafeBytes(of: &v6) { Array($0) }
        let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF]
        return bytes.starts(with: mapped) ? Array(bytes[12...]) : bytes
    }
    /// Four decimal numbers. Java reads zeros in front as nothing, where the C library refuses them or reads octal.
    private static func v4Bytes(of text: String) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        let bytes = parts.compactMap { UInt8($0) }
        return bytes.count == 4 ? bytes : nil
    }
}
