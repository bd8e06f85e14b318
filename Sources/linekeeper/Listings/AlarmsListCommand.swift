import ArgumentParser
import PlantClient

struct AlarmsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show alarms (this is the default).")

    @OptionGroup var options: ListingOptions

    @Flag(name: .shortAndLong, help: "Show alarms in the state NORM, too.")
    var all = false

    func run() async throws {
        // A followed list shows an alarm's return to normal, which is a change like any other.
        let alarms = Selection.alarms(
            try options.filter.parsed(), normal: all || (options.watch && !options.isLive),
            definitions: try Definitions(options.tree.ownDefinition))
        try await options.show(
            alarms, hint: all ? "none has ever been active" : "all is well (--all shows those that are normal)")
    }
}
