import Foundation
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Primitives
import Testing
import ZooKeeperProtocol

import class TestFixtures.TestCertificates
import func TestFixtures.eventually

@testable import EmbeddedZooKeeper

/// The server's TLS listener, with real certificates on a real socket.
@Suite struct TLSListenerTests {
    private let certificates: TestCertificates
    private let directory = FileManager.default.temporaryDirectory.path + "/tls-\(UUID().uuidString)"

    init() async throws { certificates = try await TestCertificates() }

    private func configuration(trust: Bool = true) -> EmbeddedServer.Configuration {
        let local = HostAndPort(host: "127.0.0.1", port: 0)
        var configuration = EmbeddedServer.Configuration(
            dataDirectory: directory, listen: [local, local], tick: .milliseconds(200), fourLetterWords: ["ruok"],
            maxSessionTimeout: .seconds(60))
        configuration.tls = EmbeddedServer.TLS(
            listen: [local], certificate: certificates.server, key: certificates.serverKey,
            trust: trust ? certificates.authority : nil)
        return configuration
    }

    /// Runs a server; `body` gets its addresses: two without TLS, then the one with.
    private func withServer(
        _ configuration: EmbeddedServer.Configuration, limits: ServerCore.Limits = .init(),
        _ body: @Sendable ([SocketAddress]) async throws -> Void
    ) async throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let server = EmbeddedServer(configuration: configuration, logger: logger, limits: limits) {
            try TreeStore(directory: $0)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let addresses = try await server.waitUntilListening()
            try #require(addresses.count == configuration.listen.count + (configuration.tls?.listen.count ?? 0))
            try await body(addresses)
            group.cancelAll()
            while let next = await group.nextResult() { try next.get() }
        }
    }

    private func client(
        certificate: Bool = true, trust: Bool = true, of others: TestCertificates? = nil
    ) throws -> NIOSSLContext {
        let certificates = others ?? certificates
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = trust ? .file(certificates.authority) : .default
        configuration.certificateVerification = .noHostnameVerification
        if certificate {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(certificates.client).map {
                .certificate($0)
            }
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: certificates.clientKey, format: .pem))
        }
        return try NIOSSLContext(configuration: configuration)
    }

    @Test func aCertificateIsAnIdentity() async throws {
        let tls = try client()
        try await withServer(configuration()) { addresses in
            let secure = try await RawSocket(addresses[2], tls: tls)
            _ = try await secure.connect()
            let acl = [ACL(permissions: .all, scheme: "x509", id: "CN=client")]
            let created = try await secure.call(
                .create, CreateRequest(path: "/mine", data: [1], acl: acl, mode: .persistent))
            #expect(created.error == .ok)
            #expect(try await secure.call(.getData, PathWatchRequest(path: "/mine", watch: false)).error == .ok)
            // The same tree, from the other listeners, by nobody in particular.
            for address in addresses.prefix(2) {
                let plain = try await RawSocket(address)
                _ = try await plain.connect()
                #expect(try await plain.call(.getData, PathWatchRequest(path: "/mine", watch: false)).error == .noAuth)
                await plain.close()
            }
            #expect(try await RawSocket(addresses[2], tls: tls).text("ruok") == "imok")
        }
    }

    @Test func withoutTrustNobodyIsAskedForACertificate() async throws {
        let tls = try client(certificate: false)
        try await withServer(configuration(trust: false)) { addresses in
            let secure = try await RawSocket(addresses[2], tls: tls)
            #expect(try await secure.connect().timeoutMilliseconds > 0)
            let auth = try await secure.call(.auth, AuthPacket(scheme: "x509", auth: nil))
            #expect(auth.error == .authFailed)
        }
    }

    @Test func clientsWithoutACertificateAreRefused() async throws {
        let tls = try client(certificate: false)
        try await withServer(configuration()) { addresses in
            await #expect(throws: (any Error).self) { try await RawSocket(addresses[2], tls: tls).connect() }
        }
    }

    @Test func clientsOfAnotherAuthorityAreRefused() async throws {
        let others = try await TestCertificates()
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.certificateVerification = .none
        tls.certificateChain = try NIOSSLCertificate.fromPEMFile(others.client).map { .certificate($0) }
        tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: others.clientKey, format: .pem))
        let context = try NIOSSLContext(configuration: tls)
        try await withServer(configuration()) { addresses in
            await #expect(throws: (any Error).self) { try await RawSocket(addresses[2], tls: context).connect() }
        }
    }

    /// Plain text, noise, and nothing at all: each is closed, and the others go on.
    @Test func whoDoesNotSpeakTLSIsClosed() async throws {
        let tls = try client()
        var limits = ServerCore.Limits()
        limits.handshake = .milliseconds(300)
        try await withServer(configuration(), limits: limits) { addresses in
            let good = try await RawSocket(addresses[2], tls: tls)
            _ = try await good.connect(timeoutMilliseconds: 60_000)
            await #expect(throws: (any Error).self) { try await RawSocket(addresses[2]).connect() }
            #expect(try await !RawSocket(addresses[2]).text("ruok").contains("imok"))
            for _ in 0..<20 {
                let noise = (0..<64).map { _ in UInt8.random(in: 0...255) }
                let socket = try await RawSocket(addresses[2])
                try? await socket.write(ByteBuffer(bytes: noise))
                await #expect(throws: (any Error).self, "\(noise)") { try await socket.frame() }
            }
            let silent = try await RawSocket(addresses[2])
            await #expect(throws: (any Error).self) { try await silent.frame() }
            #expect(try await good.call(.sync, PathRequest(path: "/")).error == .ok)
        }
    }

    /// What the log says about it is for people, and holds nothing of where the program was built.
    @Test func theLogSaysWhyInWords() async throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let log = LogRecorder()
        let server = EmbeddedServer(configuration: configuration(), logger: log.logger)
        let nobody = try client(certificate: false)
        let others = try await TestCertificates()
        var stranger = TLSConfiguration.makeClientConfiguration()
        stranger.certificateVerification = .none
        stranger.certificateChain = try NIOSSLCertificate.fromPEMFile(others.client).map { .certificate($0) }
        stranger.privateKey = .privateKey(try NIOSSLPrivateKey(file: others.clientKey, format: .pem))
        let mistakes: [(NIOSSLContext?, String)] = [
            (nil, "the client does not speak TLS ("),
            (nobody, "the client shows no certificate, and one is required ("),
            (try NIOSSLContext(configuration: stranger), "the client's certificate is not from an authority that"),
            (try client(trust: false), "the client does not accept this server's certificate ("),
        ]
        try await EmbeddedServerTests.withServer(server) { _ in
            let address = try #require(try await server.waitUntilListening().last)
            for (tls, message) in mistakes {
                await #expect(throws: (any Error).self) { try await RawSocket(address, tls: tls).connect() }
                try await eventually("the log says: \(message)", seen: { log.text }) { log.text.contains(message) }
            }
        }
        #expect(!log.text.contains("checkouts"), "\(log.text)")
    }

    /// What cannot work is said before the data directory is touched, with the file and what to do.
    @Test func mistakesAreNamed() async throws {
        let empty = certificates.folder + "/empty.pem"
        try Data("nothing\n".utf8).write(to: URL(fileURLWithPath: empty))
        let locked = try await certificates.encryptedClientKey(password: "x")
        let mistakes: [(@Sendable (inout EmbeddedServer.TLS) -> Void, String)] = [
            ({ $0.certificate = "/no/such.pem" }, "cannot read the server's certificate in /no/such.pem: No such file"),
            ({ $0.key = "/no/such.key" }, "cannot read the server's private key in /no/such.key: No such file"),
            ({ $0.trust = empty }, "\(empty) holds no certificate: expected the authorities of clients in PEM form"),
            ({ $0.certificate = empty }, "\(empty) holds no certificate"),
            ({ $0.key = empty }, "\(empty) holds no private key"),
            ({ $0.key = locked }, "\(locked) holds no private key"),
            ({ [certificates] in $0.key = certificates.clientKey }, "is the key another certificate's?"),
        ]
        for (change, message) in mistakes {
            var configuration = configuration()
            if var tls = configuration.tls {
                change(&tls)
                configuration.tls = tls
            }
            let server = EmbeddedServer(configuration: configuration, logger: Logger(label: "test"))
            await #expect {
                try await server.run()
            } throws: {
                let said = "\($0)"
                return said.contains(message)
            }
            #expect(!FileManager.default.fileExists(atPath: directory))
        }
    }

    /// Renewed files are taken up by those who connect later; what cannot be used leaves the former ones in use.
    @Test(arguments: [true, false]) func changedCertificatesAreTakenUp(asked: Bool) async throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let renewed = try await TestCertificates()
        @Sendable func put(_ content: Data, _ path: String) throws {
            try content.write(to: URL(fileURLWithPath: path), options: .atomic)
        }
        @Sendable func copy(_ from: String, _ to: String) throws {
            try put(try Data(contentsOf: URL(fileURLWithPath: from)), to)
        }
        let (former, latter) = (try client(), try client(of: renewed))
        let log = LogRecorder()
        let server = EmbeddedServer(configuration: configuration(), logger: log.logger)
        try await EmbeddedServerTests.withServer(server) { addresses in
            // The last address is the one with TLS.
            let address = try #require(try await server.waitUntilListening().last)
            #expect(addresses != address)
            func comesIn(_ tls: NIOSSLContext) async -> Bool {
                guard let socket = try? await RawSocket(address, tls: tls) else { return false }
                let isIn = (try? await socket.connect()) != nil
                await socket.close()
                return isIn
            }
            let early = try await RawSocket(address, tls: former)
            _ = try await early.connect(timeoutMilliseconds: 60_000)
            #expect(await !comesIn(latter))
            try put(Data("nothing".utf8), certificates.server)
            if asked { server.reloadCertificates() }
            try await eventually("the refusal is logged", seen: { log.text }) {
                log.text.contains("\(certificates.server) holds no certificate")
            }
            #expect(await comesIn(former))
            try copy(renewed.authority, certificates.authority)
            try copy(renewed.serverKey, certificates.serverKey)
            try copy(renewed.server, certificates.server)
            if asked { server.reloadCertificates() }
            try await eventually("the renewed certificate is shown", seen: { log.text }) {
                await comesIn(latter)
            }
            #expect(await !comesIn(former))
            #expect(try await early.call(.sync, PathRequest(path: "/")).error == .ok)
        }
    }

    @Test func aTakenAddressIsNamed() async throws {
        try await withServer(configuration()) { addresses in
            let port = try #require(addresses[2].port)
            var second = configuration()
            second.dataDirectory = directory + "-2"
            second.tls?.listen = [HostAndPort(host: "127.0.0.1", port: port)]
            defer { try? FileManager.default.removeItem(atPath: directory + "-2") }
            let server = EmbeddedServer(configuration: second, logger: Logger(label: "test"))
            await #expect(
                throws: EmbeddedServerError(
                    "cannot listen on 127.0.0.1:\(port): another program listens there. Stop it, or choose another address."
                )
            ) { try await server.run() }
        }
    }
}
