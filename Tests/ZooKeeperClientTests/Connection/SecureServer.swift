import EmbeddedZooKeeper
import Primitives
import TestFixtures

/// A server with a TLS port, and SASL on both.
struct SecureServer: Sendable {
    var plainPort: Int
    var tlsPort: Int
    var certificates: TestCertificates
    let user = "plant"
    let password = "s3cret"
    private var keepAlive: any Sendable

    /// The server of a kind: one for all tests, which ends with the process.
    static func of(_ kind: TreeKind) async throws -> SecureServer {
        switch kind {
        case .apache: try await apache.value
        case .embedded: try await embedded.value
        }
    }

    private init(plainPort: Int, tlsPort: Int, certificates: TestCertificates, keepAlive: any Sendable) {
        self.plainPort = plainPort
        self.tlsPort = tlsPort
        self.certificates = certificates
        self.keepAlive = keepAlive
    }

    /// As ``of(_:)``, with a server that lets nobody in without a certificate.
    static func demandingCertificates(_ kind: TreeKind) async throws -> SecureServer {
        switch kind {
        case .apache: try await demandingApache.value
        case .embedded: try await embedded.value
        }
    }

    private static let apache = Task { try await startApache("zookeeper-secure", needsClientCertificate: false) }
    private static let demandingApache = Task {
        try await startApache("zookeeper-demanding", needsClientCertificate: true)
    }

    private static func startApache(_ name: String, needsClientCertificate: Bool) async throws -> SecureServer {
        let certificates = try await TestCertificates()
        let port = try FreePort.tcp()
        var options = ApacheZooKeeper.Options()
        options.tls = (port, certificates)
        options.sasl = ("plant", "s3cret")
        if needsClientCertificate { options.settings.append("ssl.clientAuth=need") }
        let server = try await ApacheZooKeeper(
            scratch: Scratch(name), tick: .milliseconds(500), options: options)
        return SecureServer(plainPort: server.port, tlsPort: port, certificates: certificates, keepAlive: server)
    }

    private static let embedded = Task {
        let certificates = try await TestCertificates()
        let (plainPort, port) = (try FreePort.tcp(), try FreePort.tcp())
        var configuration = EmbeddedServer.Configuration(
            dataDirectory: try Scratch("embedded-secure").file("tree"),
            listen: [HostAndPort(host: "127.0.0.1", port: plainPort)], tick: .milliseconds(500))
        configuration.saslUsers = ["plant": "s3cret"]
        configuration.tls = EmbeddedServer.TLS(
            listen: [HostAndPort(host: "127.0.0.1", port: port)], certificate: certificates.server,
            key: certificates.serverKey, trust: certificates.authority)
        let server = EmbeddedServer(configuration: configuration, logger: TestTree.logger)
        Task { try await server.run() }
        _ = try await server.waitUntilListening()
        return SecureServer(plainPort: plainPort, tlsPort: port, certificates: certificates, keepAlive: server)
    }
}
