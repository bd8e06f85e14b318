import EmbeddedZooKeeper
import TestFixtures
import Testing

@Suite("TLS and SASL, on the embedded server", .serialized)
struct EmbeddedSecurityTests {
    /// One server for all; it ends with the process.
    private static let server = Task {
        let scratch = try Scratch("embedded-secure")
        let certificates = try await TestCertificates()
        let (plainPort, port) = (try FreePort.tcp(), try FreePort.tcp())
        var configuration = EmbeddedServer.Configuration(
            dataDirectory: scratch.file("tree"), listen: [HostPort(host: "127.0.0.1", port: plainPort)],
            tick: .milliseconds(500))
        configuration.saslUsers = ["plant": "s3cret"]
        configuration.tls = EmbeddedServer.TLS(
            listen: [HostPort(host: "127.0.0.1", port: port)], certificate: certificates.server,
            key: certificates.serverKey, trust: certificates.authority)
        let server = EmbeddedServer(configuration: configuration, logger: TestTree.logger)
        Task { try await server.run() }
        _ = try await server.waitUntilListening()
        return SecureServer(
            plainPort: plainPort, tlsPort: port, certificates: certificates, user: "plant", password: "s3cret",
            keepAlive: server)
    }

    @Test func aTrustedServerIsTalkedToAndAClientCertificateIsShown() async throws {
        try await SecurityStories(server: Self.server.value).trusted()
    }

    @Test func aServerOfAnotherAuthorityIsRefusedAndSaysSo() async throws {
        try await SecurityStories(server: Self.server.value).otherAuthority()
    }

    @Test func aCertificateForAnotherNameIsRefused() async throws {
        try await SecurityStories(server: Self.server.value).otherName()
    }

    @Test func aServerWithoutTLSIsNamedAsSuch() async throws {
        try await SecurityStories(server: Self.server.value).plainServer()
    }

    @Test func passwordsAreProvedOnEveryConnectionBeforeAnythingElse() async throws {
        try await SecurityStories(server: Self.server.value).passwordProved()
    }

    @Test func aWrongPasswordEndsTheClientWithATypedError() async throws {
        try await SecurityStories(server: Self.server.value).wrongPassword()
    }
}
