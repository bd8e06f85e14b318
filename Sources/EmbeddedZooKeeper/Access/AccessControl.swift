import ZooKeeperProtocol

/// Who may do what: the schemes `world`, `auth`, `digest`, `ip`, `sasl`, `x509` and the superuser.
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
                if matches(entry, identity) { return true }
            }
        }
        return acl.isEmpty || identities.contains(.superuser)
    }

    private static func matches(_ entry: ACL, _ identity: Identity) -> Bool {
        switch entry.scheme {
        case "ip": AddressRange(entry.id)?.contains(identity.id) == true
        // ZooKeeper's rule: the SASL user of that name passes every `sasl` entry.
        case "sasl": identity.id == entry.id || identity.id == "super"
        default: identity.id == entry.id
        }
    }

    /// The access list as it is stored: repetitions removed, then `auth` expanded to who the connection is.
    ///
    /// - Parameter schemes: Those beside the ones that are always known.
    /// - Throws: `invalidACL` when it is empty, an entry is malformed, or `auth` stands for nobody.
    static func resolve(
        _ acl: [ACL], for identities: [Identity], schemes: Set<String> = []
    ) throws(ErrorCode) -> [ACL] {
        // The shared one, so that a million open nodes do not keep a million lists.
        if acl == ACL.worldAll { return ACL.worldAll }
        var resolved: [ACL] = []
        var seen: Set<ACL> = []
        for entry in acl where seen.insert(entry).inserted {
            if entry.scheme == "auth" {
                let known = identities.filter(\.isAuthenticated)
                guard !known.isEmpty else { throw .invalidACL }
                for identity in known {
                    resolved.append(ACL(permissions: entry.permissions, scheme: identity.scheme, id: identity.id))
                }
                // Each of many entries may stand for each of many identities.
                guard resolved.count <= maximumExpansion else { throw .invalidACL }
            } else {
                guard isValid(entry, schemes) else { throw .invalidACL }
                resolved.append(entry)
            }
        }
        guard !resolved.isEmpty else { throw .invalidACL }
        return resolved
    }

    /// How long a list may become by what `auth` stands for.
    private static let maximumExpansion = 1000

    private static func isValid(_ entry: ACL, _ schemes: Set<String>) -> Bool {
        switch entry.scheme {
        case "world": entry.id == "anyone"
        case "digest": isDigestID(entry.id)
        case "ip": AddressRange(entry.id) != nil
        case "sasl": schemes.contains("sasl") && isPrincipal(entry.id)
        case "x509": schemes.contains("x509") && DistinguishedName.isValid(entry.id)
        default: false
        }
    }

    /// Two parts between colons, as Java's `split` counts them: empty ones at the end are none.
    private static func isDigestID(_ id: String) -> Bool {
        var parts = id.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        while parts.last?.isEmpty == true { parts.removeLast() }
        return parts.count == 2
    }

    /// Anything without `@`, or `name@REALM`, or `name/host@REALM`: what a Kerberos name looks like, for ZooKeeper asks
    /// that of every SASL user.
    private static func isPrincipal(_ id: String) -> Bool {
        let halves = id.split(separator: "@", omittingEmptySubsequences: false)
        guard halves.count > 1 else { return true }
        return halves.count == 2 && !halves[1].contains("/")
            && halves[0].split(separator: "/", omittingEmptySubsequences: false).count <= 2
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
