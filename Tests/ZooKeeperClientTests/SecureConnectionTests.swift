import NIOSSL
import TestFixtures
import Testing
import ZooKeeperProtocol

@testable import ZooKeeperClient

@Suite("TLS and SASL, on Apache ZooKeeper", .serialized)
struct ApacheSecurityTests {
    /// One server for all: TLS on one port, SASL on both.
    private static let server = Task {
        let scratch = try Scratch("zookeeper-secure")
        let certificates = try await TestCertificates()
        var options = ApacheZooKeeper.Options()
        let port = try FreePort.tcp()
        options.tls = (port, certificates)
        options.sasl = ("plant", "s3cret")
        let server = try await ApacheZooKeeper(scratch: scratch, tick: .milliseconds(500), options: options)
        return SecureServer(
            plainPort: server.port, tlsPort: port, certificates: certificates, user: "plant",
            password: "s3cret", keepAlive: server)
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

/// A server with a TLS port, and SASL on both.
struct SecureServer: Sendable {
    var plainPort: Int
    var tlsPort: Int
    var certificates: TestCertificates
    var user: String
    var password: String
    var keepAlive: any Sendable
}

/// What has to hold at either server.
struct SecurityStories {
    let server: SecureServer

    private func trusting(_ authority: String) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .file(authority)
        return tls
    }

    /// Trusts the server's authority and shows a certificate.
    private func proving() throws -> TLSConfiguration {
        var tls = trusting(server.certificates.authority)
        tls.certificateChain = try NIOSSLCertificate.fromPEMFile(server.certificates.client).map { .certificate($0) }
        tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: server.certificates.clientKey, format: .pem))
        return tls
    }

    func trusted() async throws {
        let tls = try proving()
        // By address and by name: both stand in the certificate.
        for host in ["127.0.0.1", "localhost"] {
            try await withClient(host: host, port: server.tlsPort, configure: { $0.tls = tls }) { client in
                let path = TestTree.uniquePath("tls")
                try await client.create(path, data: [UInt8](repeating: 7, count: 200_000))
                #expect(try await client.getData(path).data?.count == 200_000)
                let identities = try await client.whoAmI()
                #expect(identities.contains { $0.authScheme == "x509" && $0.user.contains("client") }, "\(identities)")
            }
        }
    }

    func otherAuthority() async throws {
        let stranger = try await TestCertificates()
        try await failsToConnect(host: "127.0.0.1", tls: trusting(stranger.authority), mentions: "authority")
    }

    func otherName() async throws {
        // The authority is right; the certificate is for localhost and 127.0.0.1.
        try await failsToConnect(host: "127.0.0.2", tls: trusting(server.certificates.authority), mentions: "name")
    }

    func plainServer() async throws {
        try await failsToConnect(
            host: "127.0.0.1", port: server.plainPort, tls: trusting(server.certificates.authority), mentions: "TLS")
    }

    private func failsToConnect(
        host: String, port: Int? = nil, tls: TLSConfiguration, mentions word: String
    ) async throws {
        // Nobody listens on 127.0.0.2: a proxy in between makes the server answer to another address.
        let listener = host == "127.0.0.2" ? try FaultProxy(target: server.tlsPort, host: 0x7f00_0002) : nil
        defer { listener?.close() }
        let port = listener?.port ?? port ?? server.tlsPort
        var configuration = try ZooKeeperClient.Configuration(connectString: "\(host):\(port)")
        configuration.tls = tls
        configuration.requestTimeout = .seconds(3)
        let client = ZooKeeperClient(configuration: configuration, logger: TestTree.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            defer { group.cancelAll() }
            try await eventually("the failure shows", seen: { "\(String(describing: client.lastFailure))" }) {
                client.lastFailure?.kind == .tls
            }
            let failure = try #require(client.lastFailure)
            #expect(failure.message.contains(word) && failure.server?.port == port, "\(failure)")
            let error = await #expect(throws: ZooKeeperError.self) {
                try await client.waitUntilConnected(timeout: .milliseconds(200))
            }
            #expect(error?.code == .tlsFailed && error?.message.contains(word) == true, "\(String(describing: error))")
            let timeout = await #expect(throws: ZooKeeperError.self) { try await client.exists("/") }
            #expect(timeout?.code == .operationTimeout && timeout?.message.contains(word) == true)
        }
    }

    func passwordProved() async throws {
        let credentials = SASLCredentials(user: server.user, password: server.password)
        let proxy = try FaultProxy(target: server.plainPort)
        defer { proxy.close() }
        let path = TestTree.uniquePath("sasl")
        try await withClient(port: proxy.port, configure: { $0.sasl = credentials }) { client in
            let identities = try await client.whoAmI()
            #expect(identities.contains { $0.authScheme == "sasl" && $0.user == server.user }, "\(identities)")
            let session = try #require(client.session)
            let acl = [ACL(permissions: .all, scheme: "sasl", id: server.user)]
            try await client.create(path, data: "x".bytes, acl: acl)
            let (_, watch) = try await client.getDataAndWatch(path)
            // What waits, and the watches, go only after the next proof: otherwise the read would be refused.
            for _ in 0..<3 {
                let before = proxy.acceptedConnections
                proxy.cut()
                try await eventually("a new connection") { proxy.acceptedConnections > before }
                try await eventually("reads again", seen: { "\(client.state)" }) {
                    do { return try await client.getData(path).data.text == "x" } catch let error as ZooKeeperError {
                        guard error.isOutcomeUnknown else { throw error }
                        return false
                    }
                }
            }
            #expect(client.session?.id == session.id && !watch.hasFired)
            try await client.setData(path, data: "y".bytes)
            #expect(try await type(watch) == .nodeDataChanged)
        }
        try await withClient(port: server.plainPort) { stranger in
            await expect(.noAuth) { try await stranger.getData(path) }
        }
        // Over TLS as well.
        let tls = try proving()
        try await withClient(
            port: server.tlsPort,
            configure: {
                $0.sasl = credentials
                $0.tls = tls
            }
        ) { client in
            #expect(try await client.getData(path).data.text == "y")
            try await client.delete(path)
        }
    }

    func wrongPassword() async throws {
        var configuration = try ZooKeeperClient.Configuration(connectString: "127.0.0.1:\(server.plainPort)")
        let credentials = SASLCredentials(user: server.user, password: "wrong")
        #expect(!"\(credentials) \(String(reflecting: credentials))".contains("wrong"))
        configuration.sasl = credentials
        let client = ZooKeeperClient(configuration: configuration, logger: TestTree.logger)
        let waiting = Task { try await client.exists("/") }
        let error = await #expect(throws: ZooKeeperError.self) { try await client.run() }
        #expect(error?.code == .authFailed)
        await expect(.authFailed) { try await waiting.value }
        await expect(.authFailed) { try await client.waitUntilConnected(timeout: .seconds(1)) }
        await expect(.authFailed) { try await client.exists("/") }
        #expect(client.state == .closed && client.lastFailure?.kind == .authentication)
    }
}
