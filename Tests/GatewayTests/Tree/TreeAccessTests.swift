import FoundationEssentials
import PlantConfiguration
import TestFixtures
import Testing
import ZooKeeperClient

@testable import Gateway

/// What a client of the tree is given: TLS and credentials, read from their files.
@Suite struct TreeAccessTests {
    private static let head = """
        plant: bottling
        gateway: gw1
        mqtt: { broker: "mqtt://127.0.0.1:1883" }

        """

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
