import FoundationEssentials
import PlantConfiguration
import TestFixtures
import Testing
import ZooKeeperClient

@testable import PlantClient

/// What a client of the tree is given: TLS and credentials, read from their files.
@Suite struct TreeAccessTests {
    @Test func aFileThatIsNoPEMIsNamed() throws {
        let files = try ConfigurationFixture(["ca.pem": "rubbish"])
        var access = TreeAccess()
        access.tls = TreeAccess.TLS()
        access.tls?.ca = files.folder + "/ca.pem"
        var client = try ZooKeeperClient.Configuration(connectString: "zk1:2281")
        let error = #expect(throws: (any Error).self) { try access.apply(to: &client) }
        #expect("\(try #require(error))".contains("ca.pem"))
    }

    @Test(arguments: [TreeAccess.Login.sasl, .digest])
    func aPasswordThatWasChangedIsTakenByTheNextAttempt(login: TreeAccess.Login) throws {
        let files = try ConfigurationFixture(["secret": "old\n"])
        var access = TreeAccess()
        access.username = "u"
        access.passwordFile = files.folder + "/secret"
        access.login = login
        var once = try ZooKeeperClient.Configuration(connectString: "zk1")
        try access.apply(to: &once)
        var again = once
        try access.apply(to: &again, rereads: true)
        func secrets(_ sasl: SASLCredentials?, _ auth: [AuthInfo]) -> [String] {
            [sasl.map(\.password), auth.first.map { String(decoding: $0.credentials, as: UTF8.self) }].compactMap { $0 }
        }
        let expected = login == .sasl ? "" : "u:"
        #expect(once.accessSource == nil && secrets(once.sasl, once.auth) == [expected + "old"])
        try Data("new\n".utf8).write(to: URL(filePath: files.folder + "/secret"))
        let source = try #require(again.accessSource)
        let read = try source()
        #expect(secrets(read.sasl, read.auth) == [expected + "new"])
        try FileManager.default.removeItem(atPath: files.folder + "/secret")
        let error = #expect(throws: (any Error).self) { try source() }
        #expect("\(try #require(error))".contains("/secret cannot be read"))
    }

    @Test func whereNothingIsToBeProvedNothingIsReadAgain() throws {
        var configuration = try ZooKeeperClient.Configuration(connectString: "zk1")
        try TreeAccess().apply(to: &configuration, rereads: true)
        #expect(configuration.accessSource == nil)
    }
}
