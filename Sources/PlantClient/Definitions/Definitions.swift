package import Plant

/// What a configuration defines: anything else in the tree is orphaned.
package struct Definitions: Sendable {
    private let plant: LivePlant?

    private init() { plant = nil }

    /// Knows nothing: nothing is orphaned.
    package static let none = Definitions()

    package init(_ definition: PlantDefinition) throws {
        plant = try LivePlant(
            routes: definition.routes, rules: definition.tags, alarms: definition.alarms + GatewayFault.alarms)
    }

    /// Whether anything is known of what is defined.
    package var areKnown: Bool { plant != nil }

    package func isOrphaned(tag: TagPath) -> Bool { plant.map { !$0.defines(tag: tag) } ?? false }

    package func isOrphaned(device: TagPath) -> Bool { plant.map { !$0.defines(device: device) } ?? false }

    package func isOrphaned(alarm: AlarmPath) -> Bool { plant.map { !$0.defines(alarm: alarm) } ?? false }
}
