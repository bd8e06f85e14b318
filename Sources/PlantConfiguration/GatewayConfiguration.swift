package import Plant

/// What a gateway runs with: what it needs for itself, and what is the same for every gateway of its plant.
///
/// Only the program's entry holds both; everything below takes the part that it needs.
public struct GatewayConfiguration: Sendable {
    package var local: LocalConfiguration
    package var plant: PlantDefinition
    /// What looked doubtful, and mistakes that earlier versions took; the gateway runs with it all the same.
    package var warnings: [ConfigurationProblem]
}
