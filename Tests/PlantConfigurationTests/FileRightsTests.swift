import Foundation
import TestFixtures
import Testing

@testable import PlantConfiguration

@Suite("Files that others may read or write")
struct FileRightsTests {
    private static func fixture(_ mode: Int, folderMode: Int = 0o700) throws -> ConfigurationFixture {
        let fixture = try ConfigurationFixture([
            "linekeeper.yaml": """
            plant: bottling
            gateway: g1
            mqtt:
              broker: mqtts://127.0.0.1:8883
              username: g1
              passwordFile: secret
              certificate: cert.pem
              key: key.pem
            tree:
              embedded: { data: ./tree }
              username: g1
              passwordFile: secret
            """, "secret": "hunter2\n", "key.pem": "x", "cert.pem": "x",
        ])
        for name in ["secret", "key.pem"] {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: fixture.folder + "/" + name)
        }
        try FileManager.default.createDirectory(
            atPath: fixture.folder + "/tree", withIntermediateDirectories: false)
        try FileManager.default.setAttributes(
            [.posixPermissions: folderMode], ofItemAtPath: fixture.folder + "/tree")
        return fixture
    }

    @Test("a secret that everybody may read or change is a mistake, with which this release starts all the same")
    func secrets() throws {
        for (mode, rights) in [(0o666, "read and change"), (0o644, "read"), (0o602, "change")] {
            let fixture = try Self.fixture(mode)
            let problems = fixture.problems()
            for key in ["mqtt.passwordFile", "mqtt.key", "tree.passwordFile"] {
                expectProblem(problems, "mistake: \(key)", "may \(rights) ", "chmod o=")
            }
            #expect(try fixture.load().warnings.count { $0.severity == .toleratedMistake } == 3)
        }
        for mode in [0o600, 0o400, 0o640] {
            #expect(try Self.fixture(mode).problems().allSatisfy { !$0.contains("everybody") })
        }
    }

    @Test("a data folder that everybody may write into is warned about")
    func folder() throws {
        expectProblem(
            try Self.fixture(0o600, folderMode: 0o777).problems(), "warning: tree.embedded.data", "replace the tree")
        #expect(try Self.fixture(0o600, folderMode: 0o755).problems().allSatisfy { !$0.contains("everybody") })
    }
}
