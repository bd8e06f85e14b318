import Yams

/// A mapping with known keys.
struct ConfigurationSection {
    let value: ConfigurationValue
    let mapping: Node.Mapping

    /// The value of `key`, or nil when it is not there.
    subscript(_ key: String) -> ConfigurationValue? {
        guard let pair = mapping.first(where: { $0.key.scalar?.string == key }) else { return nil }
        let prefix = value.name == "the file" ? "" : value.name + "."
        return ConfigurationValue(node: pair.value, document: value.document, name: prefix + key)
    }

    /// The value of `key`; reported when it is not there.
    func required(_ key: String, _ expected: String) -> ConfigurationValue? {
        if let found = self[key] { return found }
        value.report("\(value.name) has no \"\(key)\"", expected: "\(key): \(expected)")
        return nil
    }
}
