import PlantConfiguration
import TestFixtures

extension ConfigurationFixture {
    func load(environment: [String: String] = ["HOSTNAME": "gw1"]) throws -> GatewayConfiguration {
        try GatewayConfiguration.load(file: folder + "/linekeeper.yaml", environment: environment)
    }
}
