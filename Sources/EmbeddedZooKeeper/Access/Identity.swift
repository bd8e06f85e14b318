import Primitives
import ZooKeeperProtocol

/// Somebody whom a connection has proved to be.
struct Identity: Hashable, Sendable {
    let scheme: String
    let id: String

    /// Whether it stands for a person or program rather than for a place: what the scheme `auth` expands to. The mark of
    /// the superuser is none of them (as in ZooKeeper): it is never stored in an access list.
    var isAuthenticated: Bool { scheme == "digest" || scheme == "sasl" || scheme == "x509" }

    init(scheme: String, id: String) {
        self.scheme = scheme
        self.id = id
    }

    /// Reads `scheme:id`; `nil` when there is no colon.
    init?(schemeAndID text: String) {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        self.init(scheme: String(text[..<colon]), id: String(text[text.index(after: colon)...]))
    }

    static let superuser = Identity(scheme: "super", id: "")

    /// `user:base64(sha1(user:password))` of what a client sends as `user:password`.
    static func digest(ofUserAndPassword bytes: [UInt8]) -> Identity {
        let user = bytes.prefix { $0 != UInt8(ascii: ":") }
        return Identity(
            scheme: "digest", id: String(decoding: user, as: UTF8.self) + ":" + Base64.text(SHA1.hash(bytes)))
    }

    /// What every connection is from its beginning. An IPv4 client that an IPv6 socket took in is an IPv4 client, and the
    /// zone of a link-local address does not count.
    static func address(_ text: String) -> Identity {
        var address = text.prefix { $0 != "%" }
        let mapped = "::ffff:"
        if address.lowercased().hasPrefix(mapped), address.contains(".") { address = address.dropFirst(mapped.count) }
        return Identity(scheme: "ip", id: String(address))
    }
}
