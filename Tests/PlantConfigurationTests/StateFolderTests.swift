import TestFixtures
import Testing

@testable import PlantConfiguration

/// Where a gateway keeps what must outlive its process.
@Suite struct StateFolderTests {
    private static let text = """
        plant: bottling
        gateway: gw1
        mqtt: { broker: "mqtt://127.0.0.1:1883" }
        tree: { ensemble: "zk1:2181" }

        """

    private func folder(_ more: String, _ environment: [String: String] = [:]) throws -> String? {
        let fixture = try ConfigurationFixture(["linekeeper.yaml": Self.text + more])
        return try fixture.load(environment: environment).local.stateFolder.map {
            $0.hasPrefix(fixture.folder) ? "." + $0.dropFirst(fixture.folder.count) : $0
        }
    }

    @Test func itIsTheConfiguredOneElseTheServices() throws {
        #expect(try folder("state: kept") == "./kept")
        #expect(try folder("state: /var/lib/kept", ["STATE_DIRECTORY": "/var/lib/linekeeper"]) == "/var/lib/kept")
        #expect(
            try folder("", ["STATE_DIRECTORY": "/var/lib/linekeeper:/var/lib/other"]) == "/var/lib/linekeeper/state")
        #expect(try folder("", ["STATE_DIRECTORY": ""]) == nil)
        #expect(try folder("") == nil)
    }

    @Test func aFolderThatEverybodyMayWriteIntoIsSaid() throws {
        let fixture = try ConfigurationFixture(["linekeeper.yaml": Self.text + "state: /tmp"])
        expectProblem(fixture.problems(), "linekeeper.yaml:5:8: warning: state: everybody", "/tmp", "chmod o-w")
        for word in ["off", "false", "5"] {
            let none = try ConfigurationFixture(["linekeeper.yaml": Self.text + "state: \(word)"])
            expectProblem(none.problems(), "linekeeper.yaml:5:8", "state is \"\(word)\"", "a folder, such as")
        }
        let sound = try ConfigurationFixture(["linekeeper.yaml": Self.text + "state: []"])
        expectProblem(sound.problems(), "linekeeper.yaml:5:8", "a folder, such as")
    }
}
