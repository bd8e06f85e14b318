import NIOSSL
package import PlantConfiguration
package import ZooKeeperClient

extension TreeAccess {
    /// Sets a client's configuration up.
    ///
    /// - Parameter rereads: Whether each attempt to connect reads the files again, and a refusal is not the last word: for a
    ///   program that stays, whose passwords and certificates are renewed while it runs.
    /// - Throws: What is wrong with a file, and which.
    package func apply(to configuration: inout ZooKeeperClient.Configuration, rereads: Bool = false) throws {
        let access = try read()
        (configuration.tls, configuration.sasl, configuration.auth) = (access.tls, access.sasl, access.auth)
        if rereads, self != TreeAccess() { configuration.accessSource = { try read() } }
    }

    /// What stands in the files now.
    private func read() throws -> ZooKeeperClient.Configuration.Access {
        var access = ZooKeeperClient.Configuration.Access(tls: try tls.map(Self.clientConfiguration))
        guard let username, let passwordFile else { return access }
        let password = try SecretFile.firstLine(of: passwordFile)
        switch login {
        case .sasl: access.sasl = SASLCredentials(user: username, password: password)
        case .digest: access.auth = [.digest(user: username, password: password)]
        }
        return access
    }

    private static func clientConfiguration(_ tls: TLS) throws -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let ca = tls.ca {
            configuration.trustRoots = .certificates(try reading(ca) { try NIOSSLCertificate.fromPEMFile(ca) })
        }
        if let certificate = tls.certificate, let key = tls.key {
            configuration.certificateChain = try reading(certificate) {
                try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) }
            }
            configuration.privateKey = .privateKey(
                try reading(key) { try NIOSSLPrivateKey(file: key, format: .pem) })
        }
        return configuration
    }

    private struct UnreadablePEM: Error, CustomStringConvertible {
        let file: String
        let reason: String
        var description: String { "\(file) cannot be used for TLS to the tree: \(reason); a PEM file is expected" }
    }

    private static func reading<Result>(_ file: String, _ body: () throws -> Result) throws -> Result {
        do { return try body() } catch { throw UnreadablePEM(file: file, reason: "\(error)") }
    }
}
