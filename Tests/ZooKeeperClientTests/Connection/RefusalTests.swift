import EmbeddedZooKeeper
import NIOSSL
import Primitives
import Synchronization
import TestFixtures
import Testing
import ZooKeeperProtocol

@testable import ZooKeeperClient

/// That a server which does not let this client in is told as that, with what a person needs to know.
@Suite("Refusals", .serialized)
struct RefusalTests {
    /// Runs a client until it has failed in a way that `body` waits for.
    private func failing(
        _ configuration: ZooKeeperClient.Configuration, _ body: (ZooKeeperClient) async throws -> Void
    ) async throws {
        let client = ZooKeeperClient(configuration: configuration, logger: TestTree.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            defer { group.cancelAll() }
            try await body(client)
        }
    }

    private func trusting(_ authority: String) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .file(authority)
        return tls
    }

    @Test(arguments: TreeKind.allCases)
    func theServersCertificateIsNamed(_ kind: TreeKind) async throws {
        let server = try await SecureServer.of(kind)
        let stranger = try await TestCertificates()
        var configuration = try ZooKeeperClient.Configuration(connectString: "localhost:\(server.tlsPort)")
        configuration.tls = trusting(stranger.authority)
        try await failing(configuration) { client in
            try await eventually("the certificate's names", seen: { "\(String(describing: client.lastFailure))" }) {
                client.lastFailure?.message
                    == "the server's certificate (for localhost, 127.0.0.1) is not from an authority that this client trusts"
            }
            #expect(client.lastFailure?.kind == .tls)
        }
    }

    @Test func anExpiredCertificateIsNamedWithItsDate() async throws {
        let certificates = try await TestCertificates()
        try await certificates.expireServer()
        let (plainPort, port) = (try FreePort.tcp(), try FreePort.tcp())
        var settings = EmbeddedServer.Configuration(
            dataDirectory: try Scratch("embedded-expired").file("tree"),
            listen: [HostAndPort(host: "127.0.0.1", port: plainPort)], tick: .milliseconds(500))
        settings.tls = EmbeddedServer.TLS(
            listen: [HostAndPort(host: "127.0.0.1", port: port)], certificate: certificates.server,
            key: certificates.serverKey, trust: certificates.authority)
        let server = EmbeddedServer(configuration: settings, logger: TestTree.logger)
        let running = Task { try await server.run() }
        defer { running.cancel() }
        _ = try await server.waitUntilListening()
        var configuration = try ZooKeeperClient.Configuration(connectString: "127.0.0.1:\(port)")
        configuration.tls = trusting(certificates.authority)
        try await failing(configuration) { client in
            try await eventually("the date", seen: { "\(String(describing: client.lastFailure))" }) {
                client.lastFailure?.message.contains("(for localhost, 127.0.0.1) expired on 2") == true
            }
        }
    }

    @Test(arguments: TreeKind.allCases)
    func aConnectionLimitIsARefusal(_ kind: TreeKind) async throws {
        func refused(port: Int) async throws {
            let configuration = try ZooKeeperClient.Configuration(connectString: "127.0.0.1:\(port)")
            try await failing(configuration) { first in
                try await first.waitUntilConnected(timeout: .seconds(20))
                try await failing(configuration) { second in
                    try await eventually("the refusal", seen: { "\(String(describing: second.lastFailure))" }) {
                        second.lastFailure?.kind == .refused
                    }
                    // However the server hangs up.
                    for _ in 0..<20 {
                        #expect(second.lastFailure?.kind == .refused, "\(String(describing: second.lastFailure))")
                        try await Task.sleep(for: .milliseconds(20))
                    }
                }
            }
        }
        switch kind {
        case .apache:
            let scratch = try Scratch("zookeeper-limited")
            var options = ApacheZooKeeper.Options()
            options.settings = ["maxClientCnxns=1"]
            let server = try await ApacheZooKeeper(scratch: scratch, options: options)
            do { try await refused(port: server.port) } catch {
                await server.stop()
                throw error
            }
            await server.stop()
            scratch.remove()
        case .embedded:
            let port = try FreePort.tcp()
            var settings = EmbeddedServer.Configuration(
                dataDirectory: try Scratch("embedded-limited").file("tree"),
                listen: [HostAndPort(host: "127.0.0.1", port: port)], tick: .milliseconds(500))
            settings.maxClientConnections = 1
            let server = EmbeddedServer(configuration: settings, logger: TestTree.logger)
            let running = Task { try await server.run() }
            defer { running.cancel() }
            _ = try await server.waitUntilListening()
            try await refused(port: port)
        }
    }

    /// What a client is asked for at each attempt.
    private final class Password: Sendable {
        let text = Mutex("wrong")
        let questions = Mutex(0)
    }

    @Test(arguments: TreeKind.allCases)
    func aPasswordThatIsMendedIsTakenByTheSameClient(_ kind: TreeKind) async throws {
        let server = try await SecureServer.of(kind)
        let proxy = try FaultProxy(target: server.plainPort)
        defer { proxy.close() }
        let password = Password()
        var configuration = try ZooKeeperClient.Configuration(connectString: "127.0.0.1:\(proxy.port)")
        configuration.refusalPause = .milliseconds(50)
        configuration.accessSource = {
            password.questions.withLock { $0 += 1 }
            let text = password.text.withLock { $0 }
            if text.isEmpty { throw FixtureError("nothing there") }
            return .init(sasl: SASLCredentials(user: server.user, password: text))
        }
        try await failing(configuration) { client in
            try await eventually("refused, and tried again", seen: { "\(String(describing: client.lastFailure))" }) {
                client.lastFailure?.kind == .authentication && password.questions.withLock { $0 } > 2
            }
            password.text.withLock { $0 = "" }
            try await eventually("what was wrong with asking", seen: { "\(String(describing: client.lastFailure))" }) {
                client.lastFailure?.message.contains("nothing there") == true
            }
            #expect(client.state != .closed)
            password.text.withLock { $0 = server.password }
            try await client.waitUntilConnected(timeout: .seconds(10))
            // As well on a session that it has.
            password.text.withLock { $0 = "wrong" }
            let before = password.questions.withLock { $0 }
            proxy.cut()
            try await eventually("refused again", seen: { "\(client.state)" }) {
                password.questions.withLock { $0 } > before + 1
            }
            #expect(client.lastFailure?.kind == .authentication && !client.isConnected)
            password.text.withLock { $0 = server.password }
            try await client.waitUntilConnected(timeout: .seconds(10))
            let identities = try await client.whoAmI()
            #expect(identities.contains { $0.authScheme == "sasl" && $0.user == server.user }, "\(identities)")
        }
    }
}
