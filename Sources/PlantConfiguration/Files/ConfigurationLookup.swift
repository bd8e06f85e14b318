import FoundationEssentials

/// Where the configuration is when nobody says.
package enum ConfigurationLookup {
    package static let variable = "LINEKEEPER_CONFIG"
    package static let here = "bridge-config/linekeeper.yaml"
    package static let system = "/etc/linekeeper/linekeeper.yaml"

    /// `explicit`, else `$LINEKEEPER_CONFIG`, else `bridge-config/linekeeper.yaml` here, else
    /// `/etc/linekeeper/linekeeper.yaml`; nil when there is none of them.
    package static func find(
        explicit: String?, environment: [String: String] = ProcessInfo.processInfo.environment,
        exists: (String) -> Bool = { FileManager.default.fileExists(atPath: $0) }
    ) -> String? {
        if let explicit { return explicit }
        if let named = environment[variable], !named.isEmpty { return named }
        return [here, system].first(where: exists)
    }
}
