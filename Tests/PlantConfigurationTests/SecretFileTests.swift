import TestFixtures
import Testing

@testable import PlantConfiguration

@Suite struct SecretFileTests {
    @Test(
        "the first line, without what editors and C put around it",
        arguments: ["secret", "secret\n", "secret\r\nmore\n", "\u{FEFF}secret\n", "secret\0", "\u{FEFF}secret\0\n"])
    func firstLine(content: String) throws {
        let folder = try ConfigurationFixture(["secret": content])
        #expect(try SecretFile.firstLine(of: folder.folder + "/secret") == "secret")
    }

    @Test("a secret of nothing is none", arguments: ["", "\n", "\u{FEFF}", "\u{FEFF}\n", "\0"])
    func empty(content: String) throws {
        let folder = try ConfigurationFixture(["secret": content])
        #expect(throws: SecretFile.Unreadable.self) { try SecretFile.firstLine(of: folder.folder + "/secret") }
    }
}
