import TestFixtures
import Testing

@testable import PlantConfiguration

extension ConfigurationFixture {
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

/// Expects one problem whose text contains every one of `parts`.
func expectProblem(_ problems: [String], _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation) {
    let found = problems.contains { problem in parts.allSatisfy { problem.contains($0) } }
    #expect(
        found, "no problem has all of \(parts) in:\n\(problems.joined(separator: "\n"))", sourceLocation: sourceLocation
    )
}
