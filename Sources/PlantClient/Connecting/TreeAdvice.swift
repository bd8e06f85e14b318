package import ZooKeeperClient

/// Why the tree cannot be used and what to do about it, in the same words for the gateway's log and for the command line.
package enum TreeAdvice {
    /// - Parameters:
    ///   - failure: What the client last found.
    ///   - hasTLS: Whether the configuration has `tree.tls`.
    package static func text(_ failure: ConnectionFailure, hasTLS: Bool) -> String {
        guard let advice = advice(failure.kind, hasTLS: hasTLS) else { return "\(failure)" }
        return "\(failure); \(advice)"
    }

    private static func advice(_ kind: ConnectionFailure.Kind, hasTLS: Bool) -> String? {
        switch kind {
        case .unreachable: "is a tree server running there? (tree.ensemble)"
        case .tls:
            hasTLS
                ? "look at tree.tls (ca, certificate, key) and at the certificate that the server shows"
                : "name a configuration with tree.tls (--config FILE)"
        case .authentication: "look at tree.username and tree.passwordFile, and at the server's users"
        case .refused:
            "it has no quorum, or has as many connections of this machine already as it takes (maxClientCnxns)"
                + (hasTLS ? "" : ", or speaks TLS there: then name a configuration with tree.tls (--config FILE)")
        case .lost, .protocolViolation:
            hasTLS ? nil : "where it speaks TLS, name a configuration with tree.tls (--config FILE)"
        case .silent: "is it overloaded, or has its machine stopped?"
        case .sessionExpired: nil
        }
    }
}
