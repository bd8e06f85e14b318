import ZooKeeperProtocol

/// Somebody whom a connection has proved to be.
struct Identity: Hashable, Sendable {
    let scheme: String
    let id: String

    /// Whether it stands for a person or program rather than for a place: what the scheme `auth` expands to.
    var isAuthenticated: Bool { scheme == "digest" || scheme == "super" }

    static let superuser = Identity(scheme: "super", id: "")

    /// `user:base64(sha1(user:password))` of what a client sends as `user:password`.
    static func digest(ofUserAndPassword bytes: [UInt8]) -> Identity {
        let user = bytes.prefix { $0 != UInt8(ascii: ":") }
        return Identity(
            scheme: "digest", id: String(decoding: user, as: UTF8.self) + ":" + SHA1.base64(SHA1.hash(bytes)))
    }
}

/// Who may do what: the schemes `world`, `auth`, `digest`, `ip` and the superuser.
enum AccessControl {
    /// Whether one of the identities has one of the permissions.
    static func allows(_ acl: [ACL], _ permissions: ACL.Permissions, _ identities: [Identity]) -> Bool {
        // Nearly every node is open to everybody, and has exactly one entry that says so.
        for entry in acl where !entry.permissions.isDisjoint(with: permissions) {
            if entry.scheme == "world" {
                if entry.id == "anyone" { return true }
                continue
            }
            for identity in identities where identity.scheme == entry.scheme {
                if entry.scheme == "ip" {
                    if AddressRange(entry.id)?.contains(identity.id) == true { return true }
                } else if identity.id == entry.id {
                    return true
                }
            }
        }
        return acl.isEmpty || identities.contains(.superuser)
    }

    /// The access list as it is stored: `auth` expanded to who the connection is, repetitions removed.
    ///
    /// - Throws: `invalidACL` when it is empty, an entry is malformed, or `auth` stands for nobody.
    static func resolve(_ acl: [ACL], for identities: [Identity]) throws(ErrorCode) -> [ACL] {
        // The shared one, so that a million open nodes do not keep a million lists.
        if acl == ACL.worldAll { return ACL.worldAll }
        var resolved: [ACL] = []
        func add(_ entry: ACL) {
            if !resolved.contains(entry) { resolved.append(entry) }
        }
        for entry in acl {
            switch entry.scheme {
            case "world":
                guard entry.id == "anyone" else { throw .invalidACL }
                add(entry)
            case "auth":
                let known = identities.filter(\.isAuthenticated)
                guard !known.isEmpty else { throw .invalidACL }
                for identity in known {
                    add(ACL(permissions: entry.permissions, scheme: identity.scheme, id: identity.id))
                }
            case "digest":
                let parts = entry.id.split(separator: ":", omittingEmptySubsequences: false)
                guard parts.count == 2 else { throw .invalidACL }
                add(entry)
            case "ip":
                guard AddressRange(entry.id) != nil else { throw .invalidACL }
                add(entry)
            default: throw .invalidACL
            }
        }
        guard !resolved.isEmpty else { throw .invalidACL }
        return resolved
    }

    /// The list as somebody without `admin` may see it: the hashes of passwords are no one's business.
    static func masked(_ acl: [ACL]) -> [ACL] {
        acl.map { entry in
            guard entry.scheme == "digest" else { return entry }
            let user = entry.id.prefix { $0 != ":" }
            return ACL(permissions: entry.permissions, scheme: entry.scheme, id: user + ":x")
        }
    }
}
