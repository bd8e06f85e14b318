import FoundationEssentials
import Testing
import ZooKeeperClient

@testable import Gateway

/// How the tree is reached: TLS and credentials.
@Suite struct TreeSectionTests {
    private static let head = """
        plant: bottling
        gateway: gw1
        mqtt: { broker: "mqtt://127.0.0.1:1883" }

        """

    @Test func filesAreFoundBesideTheConfiguration() throws {
        let fixture = try ConfigurationFixture([
            "linekeeper.yaml": Self.head + """
                tree:
                  ensemble: zk1:2281
                  tls: { ca: ca.pem, certificate: me.pem, key: me.key }
                  username: gw1
                  passwordFile: secret
                  login: digest
                """,
            "ca.pem": "", "me.pem": "", "me.key": "", "secret": "s3cret\n",
        ])
        let access = try fixture.load().treeAccess
        #expect(access.tls?.ca == fixture.folder + "/ca.pem")
        #expect(access.tls?.certificate == fixture.folder + "/me.pem")
        #expect(access.tls?.key == fixture.folder + "/me.key")
        #expect(access.username == "gw1")
        #expect(access.passwordFile == fixture.folder + "/secret")
        #expect(access.login == .digest)
    }

    @Test func nothingSaidIsNoTLSAndNobody() throws {
        let fixture = try ConfigurationFixture(["linekeeper.yaml": Self.head + "tree: { ensemble: 'zk1:2181' }"])
        #expect(try fixture.load().treeAccess == TreeAccess())
    }

    @Test func tlsMayBeTrue() throws {
        let fixture = try ConfigurationFixture([
            "linekeeper.yaml": Self.head + "tree: { ensemble: 'zk1:2281', tls: true }"
        ])
        #expect(try fixture.load().treeAccess.tls == TreeAccess.TLS())
    }

    @Test(arguments: [
        ("tls: { ca: missing.pem }", "there is no file"),
        ("tls: { certificate: ca.pem }", "without tree.tls.key"),
        ("tls: maybe", "true or false"),
        ("username: gw1", "without tree.passwordFile"),
        ("passwordFile: ca.pem", "without tree.username"),
        ("{ login: kerberos, username: a, passwordFile: ca.pem }", "sasl"),
        ("password: s3cret", "password"),
    ])
    func mistakes(_ text: String, _ expected: String) throws {
        let members = text.hasPrefix("{") ? String(text.dropFirst().dropLast()) : text
        let fixture = try ConfigurationFixture([
            "linekeeper.yaml": Self.head + "tree: { ensemble: 'zk1:2281', \(members) }", "ca.pem": "",
        ])
        expectProblem(fixture.problems(), "linekeeper.yaml:4", expected)
    }

    @Test func aFileThatIsNoPEMIsNamed() throws {
        let fixture = try ConfigurationFixture([
            "linekeeper.yaml": Self.head + "tree: { ensemble: 'zk1:2281', tls: { ca: ca.pem } }", "ca.pem": "rubbish",
        ])
        let configuration = try fixture.load()
        var client = try ZooKeeperClient.Configuration(connectString: configuration.treeConnectString)
        let error = #expect(throws: (any Error).self) { try configuration.treeAccess.apply(to: &client) }
        #expect("\(try #require(error))".contains("ca.pem"))
    }

    @Test(arguments: ["sasl", "digest"])
    func aPasswordThatWasChangedIsTakenByTheNextAttempt(login: String) throws {
        let fixture = try ConfigurationFixture([
            "linekeeper.yaml": Self.head
                + "tree: { ensemble: zk1, username: u, passwordFile: ./secret, login: \(login) }",
            "secret": "old\n",
        ])
        let access = try fixture.load().treeAccess
        var once = try ZooKeeperClient.Configuration(connectString: "zk1")
        try access.apply(to: &once)
        var again = once
        try access.apply(to: &again, rereads: true)
        func secrets(_ sasl: SASLCredentials?, _ auth: [AuthInfo]) -> [String] {
            [sasl.map(\.password), auth.first.map { String(decoding: $0.credentials, as: UTF8.self) }].compactMap { $0 }
        }
        let expected = login == "sasl" ? "" : "u:"
        #expect(once.accessSource == nil && secrets(once.sasl, once.auth) == [expected + "old"])
        try Data("new\n".utf8).write(to: URL(filePath: fixture.folder + "/secret"))
        let source = try #require(again.accessSource)
        let read = try source()
        #expect(secrets(read.sasl, read.auth) == [expected + "new"])
        try FileManager.default.removeItem(atPath: fixture.folder + "/secret")
        let error = #expect(throws: (any Error).self) { try source() }
        #expect("\(try #require(error))".contains("/secret cannot be read"))
    }

    @Test func whereNothingIsToBeProvedNothingIsReadAgain() throws {
        var configuration = try ZooKeeperClient.Configuration(connectString: "zk1")
        try TreeAccess().apply(to: &configuration, rereads: true)
        #expect(configuration.accessSource == nil)
    }
}
