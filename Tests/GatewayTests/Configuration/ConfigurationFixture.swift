import FoundationEssentials
import Testing

@testable import Gateway

/// A folder with configuration files, for one test.
struct ConfigurationFixture: ~Copyable {
    let folder: String

    /// - Parameter files: name to content.
    init(_ files: [String: String]) throws {
        folder = FileManager.default.temporaryDirectory.path + "/linekeeper-configuration-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for (name, content) in files {
            try Data(content.utf8).write(to: URL(filePath: folder + "/" + name))
            // Whatever the mask of the process that tests: some of them are secrets.
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: folder + "/" + name)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func load(environment: [String: String] = ["HOSTNAME": "gw1"]) throws -> GatewayConfiguration {
        try GatewayConfiguration.load(file: folder + "/linekeeper.yaml", environment: environment)
    }

    /// Every problem, as `file:line:column: …` without the folder; for a configuration that loads, its warnings.
    func problems(environment: [String: String] = ["HOSTNAME": "gw1"]) -> [String] {
        let problems: [ConfigurationProblem]
        do throws(ConfigurationError) {
            problems = try GatewayConfiguration.load(file: folder + "/linekeeper.yaml", environment: environment)
                .warnings
        } catch {
            problems = error.problems
        }
        return problems.map { "\($0)".replacing(folder + "/", with: "") }
    }
}

/// The head of a file that is right, for tests of what follows.
let soundHead = """
    plant: bottling
    gateway: ${HOSTNAME}
    mqtt: { broker: "mqtt://127.0.0.1:1883" }
    tree:
      embedded: { data: ./var/tree, listen: 127.0.0.1:2181 }

    """

/// Expects one problem whose text contains every one of `parts`.
func expectProblem(_ problems: [String], _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation) {
    let found = problems.contains { problem in parts.allSatisfy { problem.contains($0) } }
    #expect(
        found, "no problem has all of \(parts) in:\n\(problems.joined(separator: "\n"))", sourceLocation: sourceLocation
    )
}
