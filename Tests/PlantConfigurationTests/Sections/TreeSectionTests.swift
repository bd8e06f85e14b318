import TestFixtures
import Testing

@testable import PlantConfiguration

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
        let access = try fixture.load().local.tree.access
        #expect(access.tls?.ca == fixture.folder + "/ca.pem")
        #expect(access.tls?.certificate == fixture.folder + "/me.pem")
        #expect(access.tls?.key == fixture.folder + "/me.key")
        #expect(access.username == "gw1")
        #expect(access.passwordFile == fixture.folder + "/secret")
        #expect(access.login == .digest)
    }

    @Test func nothingSaidIsNoTLSAndNobody() throws {
        let fixture = try ConfigurationFixture(["linekeeper.yaml": Self.head + "tree: { ensemble: 'zk1:2181' }"])
        #expect(try fixture.load().local.tree.access == TreeAccess())
    }

    @Test func tlsMayBeTrue() throws {
        let fixture = try ConfigurationFixture([
            "linekeeper.yaml": Self.head + "tree: { ensemble: 'zk1:2281', tls: true }"
        ])
        #expect(try fixture.load().local.tree.access.tls == TreeAccess.TLS())
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
}
