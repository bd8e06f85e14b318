import Plant
import PlantConfiguration

/// What the configuration at hand defines: anything else in the tree is orphaned.
struct Definitions: Sendable {
    private let plant: LivePlant?

    private init() { plant = nil }

    /// Knows nothing.
    static let none = Definitions()

    /// Knows nothing when the command line names another tree or plant, or there is no configuration.
    init(_ tree: TreeOptions) throws {
        guard tree.configuration.file != nil, tree.server == nil, tree.plant == nil else {
            plant = nil
            return
        }
        let configuration = try tree.configuration.load()
        plant = try LivePlant(
            routes: configuration.routes, rules: configuration.tags,
            alarms: configuration.alarms + GatewayFault.alarms)
    }

    /// Whether anything is known of what is defined.
    var areKnown: Bool { plant != nil }

    func isOrphaned(tag: TagPath) -> Bool { plant.map { !$0.defines(tag: tag) } ?? false }

    func isOrphaned(device: TagPath) -> Bool { plant.map { !$0.defines(device: device) } ?? false }

    func isOrphaned(alarm: AlarmPath) -> Bool { plant.map { !$0.defines(alarm: alarm) } ?? false }
}

/// How a listing shows what nothing defines any more.
enum OrphanMark {
    static let member = "orphaned"

    static func text(_ text: String, isOrphaned: Bool) -> String { isOrphaned ? "\(text) (orphaned)" : text }
}
