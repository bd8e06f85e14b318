import NIOSSL
import TestFixtures
import Testing
import ZooKeeperProtocol

@testable import ZooKeeperClient

@Suite("TLS and SASL", .serialized)
struct SecureConnectionTests {
    private func trusting(_ authority: String) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .file(authority)
        return tls
    }

    /// Trusts the server's authority and shows a certificate.
    private func proving(_ server: SecureServer) throws -> TLSConfiguration {
        var tls = trusting(server.certificates.authority)
        tls.certificateChain = try NIOSSLCertificate.fromPEMFile(server.certificates.client).map { .certificate($0) }
        tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: server.certificates.clientKey, format: .pem))
        return tls
    }

    @Test(arguments: TreeKind.allCases)
    func aTrustedServerIsTalkedToAndAClientCertificateIsShown(_ kind: TreeKind) async throws {
        let server = try await SecureServer.of(kind)
        let tls = try proving(server)
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

    @Test(arguments: TreeKind.allCases)
    func aServerOfAnotherAuthorityIsRefusedAndSaysSo(_ kind: TreeKind) async throws {
        let server = try await SecureServer.of(kind)
        let stranger = try await TestCertificates()
        try await failsToConnect(server, host: "127.0.0.1", tls: trusting(stranger.authority), mentions: "authority")
    }

    @Test(arguments: TreeKind.allCases)
    func aCertificateForAnotherNameIsRefused(_ kind: TreeKind) async throws {
        let server = try await SecureServer.of(kind)
        // The authority is right; the certificate is for localhost and 127.0.0.1.
        try await failsToConnect(
            server, host: "127.0.0.2", tls: trusting(server.certificates.authority), mentions: "name")
    }

    /// It is told so after the handshake, which TLS 1.3 lets the client end first.
    @Test(arguments: [(TreeKind.apache, TLSVersion.tlsv12), (.embedded, .tlsv12), (.embedded, .tlsv13)])
    func aMissingClientCertificateIsNamedAsSuch(_ kind: TreeKind, _ version: TLSVersion) async throws {
        let server = try await SecureServer.demandingCertificates(kind)
        var tls = trusting(server.certificates.authority)
        (tls.minimumTLSVersion, tls.maximumTLSVersion) = (version, version)
        try await failsToConnect(
            server, host: "127.0.0.1", tls: tls,
            mentions: "the server wants a client certificate, and this client shows none")
    }

    @Test(arguments: TreeKind.allCases)
    func aServerWithoutTLSIsNamedAsSuch(_ kind: TreeKind) async throws {
        let server = try await SecureServer.of(kind)
        try await failsToConnect(
            server, host: "127.0.0.1", port: server.plainPort, tls: trusting(server.certificates.authority),
            mentions: "TLS")
    }

    /// A goodbye that is not answered must not use up the time in which another server can be found.
    @Test func aSilentServerIsGivenUpAsFastAsWithoutTLS() async throws {
        let server = try await SecureServer.of(.embedded)
        let proxy = try FaultProxy(target: server.tlsPort)
        defer { proxy.close() }
        let tls = try proving(server)
        try await withClient(
            port: proxy.port,
            configure: {
                $0.tls = tls
                $0.sessionTimeout = .seconds(3)
            }
        ) { client in
            let session = try #require(client.session)
            proxy.hold(.toClient)
            // Two thirds of 3 s; with the five that a goodbye may take it would be 7 s.
            try await eventually("another connection", within: .seconds(5), seen: { "\(client.state)" }) {
                proxy.acceptedConnections > 1
            }
            #expect(client.state == .suspended(session))
            proxy.heal()
        }
    }

    private func failsToConnect(
        _ server: SecureServer, host: String, port: Int? = nil, tls: TLSConfiguration, mentions word: String
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

    @Test(arguments: TreeKind.allCases)
    func passwordsAreProvedOnEveryConnectionBeforeAnythingElse(_ kind: TreeKind) async throws {
        let server = try await SecureServer.of(kind)
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
        let tls = try proving(server)
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

    @Test(arguments: TreeKind.allCases)
    func aWrongPasswordEndsTheClientWithATypedError(_ kind: TreeKind) async throws {
        let server = try await SecureServer.of(kind)
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
