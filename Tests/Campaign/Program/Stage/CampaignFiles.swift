import CampaignOracle
import TestFixtures

/// The files that the gateways of a round are given.
enum CampaignFiles {
    static let sessionTimeout = Duration.seconds(2)

    static func configuration(plant: String, broker: String, tree: PlantConfiguration.Tree) -> PlantConfiguration {
        var configuration = PlantConfiguration(
            broker: broker, tree: tree, routes: routes, alarms: alarms,
            commands: PlantConfiguration.machineCommands(timeout: "5s", maximumSpeed: 100_000))
        configuration.plant = plant
        configuration.sessionTimeout = "\(sessionTimeout.milliseconds)ms"
        return configuration
    }

    private static let routes =
        PlantConfiguration.machineRoutes.replacing("600s", with: "\(ClockRule.staleAfter)s") + """
              - name: plain
                topic: plain/{machine}/{metric}
                device: plain/{machine}
                payload: json
                value: /v
                staleAfter: \(ClockRule.staleAfter)s

            """

    /// From the rules that the campaign judges by.
    private static var alarms: String {
        CampaignPlant.rules.reduce("alarms:\n") { text, rule in
            let names = rule.side == .high ? ["high", "highHigh"] : ["low", "lowLow"]
            let filter = rule.metric == "plain" ? "plain/+/plain" : "factory/+/+/\(rule.metric)"
            var lines = ["  - name: \(rule.name)", "    tags: \(filter)"]
            for (name, limit) in zip(names, rule.limits) {
                lines.append("    \(name): { limit: \(limit), priority: high }")
            }
            lines += ["    deadband: \(rule.deadband)", "    onDelay: \(rule.onDelay)ms"]
            return text + (lines + ["    offDelay: \(rule.offDelay)ms"]).joined(separator: "\n") + "\n"
        }
    }
}
