import Yams

/// Reads those keys of `tree` that say how to come in.
extension LocalReader {
    static let accessKeys = ["tls", "username", "passwordFile", "login"]

    func readAccess(_ section: ConfigurationSection) -> TreeAccess {
        var access = TreeAccess()
        access.tls = section["tls"].flatMap(readTLS)
        access.username = section["username"]?.string()
        access.passwordFile = section["passwordFile"].flatMap(readSecretFile)
        access.login = section["login"]?.choice([("sasl", .sasl), ("digest", .digest)]) ?? .sasl
        for (one, other) in [("username", "passwordFile"), ("passwordFile", "username")] {
            if let value = section[one], section[other] == nil {
                value.report("tree.\(one) is given without tree.\(other)", expected: "both or neither")
            }
        }
        if let value = section["login"], access.username == nil {
            value.warn("tree.login has no effect without tree.username")
        }
        return access
    }

    /// `true`, or a mapping with the files that differ from the system's.
    private func readTLS(_ value: ConfigurationValue) -> TreeAccess.TLS? {
        guard value.node.mapping != nil else {
            guard let isWanted = value.boolean() else { return nil }
            return isWanted ? TreeAccess.TLS() : nil
        }
        guard let section = value.section(keys: ["ca", "certificate", "key"]) else { return nil }
        var tls = TreeAccess.TLS()
        for (key, path) in [("ca", \.ca), ("certificate", \.certificate), ("key", \.key)]
            as [(String, WritableKeyPath<TreeAccess.TLS, String?>)]
        {
            guard let element = section[key], let name = element.text("a PEM file") else { continue }
            let file = element.path(name)
            tls[keyPath: path] = file
            if !machine.exists(file) {
                element.report("\(element.name): there is no file \(file)", expected: "a PEM file")
            } else if key == "key" {
                refuseOpenSecret(file, element)
            }
        }
        for (one, other) in [("certificate", "key"), ("key", "certificate")] {
            if let element = section[one], section[other] == nil {
                element.report("\(element.name) is given without tree.tls.\(other)", expected: "both or neither")
            }
        }
        return tls
    }
}
