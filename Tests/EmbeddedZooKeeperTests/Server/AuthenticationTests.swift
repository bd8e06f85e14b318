import Foundation
import NIOCore
import Testing

@testable import EmbeddedZooKeeper
@testable import ZooKeeperProtocol

/// SASL, certificates and superusers, as a client sees them.
@Suite struct AuthenticationTests {
    private static func settings(_ change: (inout Engine.Settings) -> Void = { _ in }) -> Engine.Settings {
        var settings = Engine.Settings()
        settings.saslUsers = ["ann": "secret", "super": "s", "root": "r"]
        settings.schemes = ["sasl", "x509"]
        change(&settings)
        return settings
    }

    @Test func saslProvesAUser() throws {
        let harness = try EngineHarness(settings: Self.settings())
        let (ann, guest) = (try harness.connected(), try harness.connected())
        try ann.authenticate(sasl: "ann", "secret")
        #expect(try ann.whoAmI() == ["ip:10.0.0.1", "sasl:ann"])
        try ann.create("/a", acl: [ACL(permissions: .all, scheme: "sasl", id: "ann")])
        #expect(throws: ErrorCode.noAuth) { try guest.get("/a") }
        try ann.create("/b", acl: ACL.creatorAll)
        let acl = try ann.call(.getACL, PathRequest(path: "/b"), as: GetACLResponse.self).acl
        #expect(acl == [ACL(permissions: .all, scheme: "sasl", id: "ann")])
        // ZooKeeper's rule: this name passes every entry of the scheme, and no other.
        try guest.authenticate(sasl: "super", "s")
        #expect(try guest.get("/a").data == [])
        try ann.create("/c", acl: [ACL(permissions: .all, scheme: "ip", id: "10.9.9.9")])
        #expect(throws: ErrorCode.noAuth) { try guest.get("/c") }
    }

    @Test(arguments: [("ann", "wrong"), ("eve", "secret"), ("eve", "")])
    func wrongPasswordEndsTheConnection(_ user: String, _ password: String) throws {
        let harness = try EngineHarness(settings: Self.settings())
        let client = try harness.connected()
        #expect(throws: ErrorCode.authFailed) { try client.authenticate(sasl: user, password) }
        #expect(client.client.phase == .closing)
        #expect(try client.whoAmIAfterAll() == nil)
        #expect(harness.engine.statistics.failedAuthentications == 1)
        #expect(
            harness.engine.notices.kept == [.credentialsRefused(address: "10.0.0.1", scheme: "sasl", user: user)])
    }

    @Test func aRefusedNameIsKeptShortAndHarmless() throws {
        let harness = try EngineHarness(settings: Self.settings())
        let client = try harness.connected()
        let user = "é\u{1B}[31m\"\n" + String(repeating: "\u{301}", count: 900)
        #expect(throws: ErrorCode.authFailed) { try client.authenticate(sasl: user, "secret") }
        let log = LogRecorder()
        var writer = NoticeWriter(logger: log.logger, enforcesQuota: false)
        writer.write(&harness.engine.notices, harness.now)
        #expect(log.text.contains(#""é\u{1B}[31m\""#) && log.text.unicodeScalars.count < 250, "\(log.text)")
        #expect(!log.text.contains("secret") && !log.text.contains("\u{1B}"))
    }

    @Test func howManyAreNotShownIsSaidOnce() throws {
        let harness = try EngineHarness(settings: Self.settings())
        let log = LogRecorder()
        var writer = NoticeWriter(logger: log.logger, enforcesQuota: false)
        for _ in 0..<10 { harness.engine.notices.add(.sessionRefused(address: "10.0.0.1")) }
        writer.write(&harness.engine.notices, harness.now)
        let lines = log.text.split(separator: "\n")
        #expect(lines.count == 4 && lines.dropLast().allSatisfy { !$0.contains("more") }, "\(log.text)")
        #expect(lines.last?.contains("\"more\": 6") == true, "\(log.text)")
    }

    /// Java's client looks for the token before it looks at the error.
    @Test func theRefusalCarriesANullToken() throws {
        let client = try EngineHarness().connected()
        let xid = client.send(.sasl, SASLToken(token: []))
        guard case .reply(let header, let body)? = try client.received().last else {
            Issue.record("no reply")
            return
        }
        #expect(header.xid == xid && header.error == .authFailed)
        #expect(body == [255, 255, 255, 255])
        #expect(client.client.phase == .closing)
    }

    @Test func oneExchangeAConnection() throws {
        let harness = try EngineHarness(settings: Self.settings())
        let client = try harness.connected()
        try client.authenticate(sasl: "ann", "secret")
        #expect(throws: ErrorCode.authFailed) { try client.authenticate(sasl: "root", "r") }
        #expect(client.client.phase == .closing)
    }

    @Test func whereSASLIsRequiredNothingGoesWithout() throws {
        let harness = try EngineHarness(settings: Self.settings { $0.requiresSASL = true })
        let refused: [(OperationCode, any Record)] = [
            (.create, CreateRequest(path: "/x", data: [], mode: .persistent)),
            (.getData, PathWatchRequest(path: "/", watch: false)),
            (.sync, PathRequest(path: "/")), (.multi, MultiRequest([.delete(path: "/x")])),
            (.addWatch, AddWatchRequest(path: "/", mode: .persistentRecursive)),
        ]
        for (operation, request) in refused {
            let client = try harness.connected()
            try client.authenticate("u:p")
            #expect(throws: ErrorCode.sessionClosedRequireSaslAuth, "\(operation)") {
                try client.call(operation, request)
            }
            #expect(client.client.phase == .closing)
        }
        let client = try harness.connected()
        try client.call(.ping, xid: ReservedXid.ping)
        try client.authenticate(sasl: "ann", "secret")
        try client.create("/x")
        let wrong = try harness.connected()
        #expect(throws: ErrorCode.sessionClosedRequireSaslAuth) { try wrong.authenticate(sasl: "ann", "no") }
        let leaving = try harness.connected()
        try leaving.call(.closeSession)
    }

    @Test func aNewConnectionIsNobodyAgain() throws {
        let harness = try EngineHarness(settings: Self.settings())
        let client = try harness.connected()
        try client.authenticate(sasl: "ann", "secret")
        let response = try #require(client.response)
        let again = harness.open()
        _ = try again.connect(
            ConnectRequest(
                lastZxidSeen: 0, timeoutMilliseconds: 10_000, sessionID: response.sessionID, password: response.password
            ))
        #expect(try again.whoAmI() == ["ip:10.0.0.1"])
    }

    @Test func certificatesProveASubject() throws {
        let harness = try EngineHarness(settings: Self.settings())
        let (client, guest) = (try harness.connected(), try harness.connected())
        harness.engine.prove(Identity(scheme: "x509", id: "CN=a,O=b"), client.client)
        try client.create("/a", acl: [ACL(permissions: .all, scheme: "x509", id: "CN=a,O=b")])
        try client.create("/b", acl: ACL.creatorAll)
        #expect(throws: ErrorCode.noAuth) { try guest.get("/a") }
        #expect(throws: ErrorCode.noAuth) { try guest.get("/b") }
        #expect(try client.get("/b").data == [])
        // An auth packet of the scheme asks whether there is a certificate.
        try client.call(.auth, AuthPacket(scheme: "x509", auth: nil), xid: ReservedXid.auth)
        #expect(throws: ErrorCode.authFailed) {
            try guest.call(.auth, AuthPacket(scheme: "x509", auth: nil), xid: ReservedXid.auth)
        }
    }

    @Test func schemesThatTheServerCannotRecogniseAreInvalid() throws {
        let client = try EngineHarness().connected()
        for scheme in ["sasl", "x509"] {
            let acl = [ACL(permissions: .all, scheme: scheme, id: "CN=a")]
            #expect(throws: ErrorCode.invalidACL) { try client.create("/x", acl: acl) }
        }
    }

    @Test(arguments: [
        ("sasl", "ann", true), ("sasl", "ann/host@REALM", true), ("sasl", "a@b@c", false), ("sasl", "a/b/c@d", false),
        ("sasl", "", true), ("x509", "CN=a, O=b", true), ("x509", "nonsense", false), ("digest", "a:", false),
        ("digest", ":b", true), ("digest", "a:b:", true), ("digest", "a:b:c", false), ("auth", "", false),
        ("super", "", false), ("ip", "::1", true), ("ip", "010.0.0.1/08", true), ("ip", "10.0.0.1/33", false),
    ])
    func idsOfAccessLists(_ scheme: String, _ id: String, _ isValid: Bool) throws {
        let client = try EngineHarness(settings: Self.settings()).connected()
        do {
            try client.create("/x", acl: [ACL(permissions: .all, scheme: scheme, id: id)])
            #expect(isValid)
        } catch let error as ErrorCode {
            #expect(!isValid && error == .invalidACL)
        }
    }

    /// Repetitions go before `auth` is expanded, as in ZooKeeper.
    @Test func repetitionsAreRemoved() throws {
        let client = try EngineHarness(settings: Self.settings()).connected()
        try client.authenticate("u:p")
        let own = ACL(permissions: .all, scheme: "digest", id: Identity.digest(ofUserAndPassword: Array("u:p".utf8)).id)
        try client.create("/a", acl: ACL.creatorAll + [own] + ACL.creatorAll + [own])
        #expect(try client.call(.getACL, PathRequest(path: "/a"), as: GetACLResponse.self).acl == [own, own])
    }

    @Test func superusersByOtherMeans() throws {
        let harness = try EngineHarness(
            settings: Self.settings {
                $0.superusers = [Identity(scheme: "sasl", id: "root"), Identity(scheme: "x509", id: "CN=admin")]
            })
        let owner = try harness.connected()
        try owner.authenticate("u:p")
        try owner.create("/a", acl: ACL.creatorAll)
        let bySASL = try harness.connected()
        try bySASL.authenticate(sasl: "root", "r")
        #expect(try bySASL.get("/a").data == [])
        let byCertificate = try harness.connected()
        harness.engine.prove(Identity(scheme: "x509", id: "CN=admin"), byCertificate.client)
        try byCertificate.call(.setACL, SetACLRequest(path: "/a", acl: ACL.worldAll, version: -1))
        // The mark of the superuser is never stored in an access list.
        try bySASL.create("/b", acl: ACL.creatorAll)
        let acl = try bySASL.call(.getACL, PathRequest(path: "/b"), as: GetACLResponse.self).acl
        #expect(acl.map(\.scheme) == ["sasl"])
    }

    @Test func anAddressIsTheSameInEitherForm() throws {
        let harness = try EngineHarness()
        let client = try harness.connected(address: "::ffff:10.0.0.7")
        #expect(try client.whoAmI() == ["ip:10.0.0.7"])
        #expect(try harness.connected(address: "fe80::1%eth0").whoAmI() == ["ip:fe80::1"])
    }

    // MARK: The file of users

    @Test func theFileOfUsers() throws {
        let text = "# people\n\nann:se:cret \r\nb ö b: \n"
        #expect(try SASLUsers(parsing: Array(text.utf8), file: "f").passwords == ["ann": "se:cret ", "b ö b": " "])
        #expect(try SASLUsers(parsing: Array("\u{FEFF}ann:x\n".utf8), file: "f").passwords == ["ann": "x"])
        #expect("\(SASLUsers(["ann": "secret"]))" == "ann")
    }

    @Test(arguments: [
        ("ann", "f:1: expected user:password"), ("a:b\n:x", "f:2: expected user:password"),
        ("a:b\n\na:c", "f:3: the user a is there already"),
        ("a:b\nbob:", "f:2: the user bob has no password"), ("bob:\r\n", "f:1: the user bob has no password"),
        ("# nobody", "f names no user; expected lines like user:password"),
    ])
    func mistakesInTheFileOfUsers(_ text: String, _ message: String) {
        #expect(throws: EmbeddedServerError(message)) { try SASLUsers(parsing: Array(text.utf8), file: "f") }
    }

    @Test func passwordsThatEverybodyCanReadAreRefused() throws {
        let path = FileManager.default.temporaryDirectory.path + "/users-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(throws: EmbeddedServerError("cannot read the SASL users in \(path): No such file or directory")) {
            try SASLUsers(file: path)
        }
        try #require(FileManager.default.createFile(atPath: path, contents: Data("a:b".utf8)))
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        #expect {
            try SASLUsers(file: path)
        } throws: {
            "\($0)".contains("chmod o-rwx \(path)")
        }
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
        #expect(try SASLUsers(file: path) == ["a": "b"])
    }
}

extension EngineClient {
    func authenticate(sasl user: String, _ password: String) throws {
        var exchange = DigestMD5Client(user: user, password: password, clientNonce: DigestMD5.randomNonce())
        var token = try call(.sasl, SASLToken(token: []), as: SASLToken.self)
        guard case .send(let response) = try exchange.receive(token.token ?? []) else { throw ErrorCode.authFailed }
        token = try call(.sasl, SASLToken(token: response), as: SASLToken.self)
        #expect(try exchange.receive(token.token ?? []) == .done)
    }

    func whoAmI() throws -> [String] {
        var frame = try call(.whoAmI)
        return try WhoAmIResponse(from: &frame).clientInfo.map { "\($0.authScheme):\($0.user)" }
    }

    /// What comes back from a connection that should not answer any more.
    func whoAmIAfterAll() throws -> Received? {
        send(.whoAmI)
        harness.settle()
        return try received().last
    }
}
