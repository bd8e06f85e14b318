import ArgumentParser
import PlantClient

struct AlarmsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show alarms (this is the default).")

    @OptionGroup var tree: TreeOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var filter: FilterArgument

    @Flag(name: .shortAndLong, help: "Follow the changes: a live list on a terminal, one line a change elsewhere.")
    var watch = false

    @Flag(name: .shortAndLong, help: "Show alarms in the state NORM, too.")
    var all = false

    func run() async throws {
        // A followed list shows an alarm's return to normal, which is a change like any other.
        let isOnScreen = watch && Terminal.isInteractive && !output.json
        let alarms = Selection.alarms(
            try filter.parsed(), normal: all || (watch && !isOnScreen),
            definitions: try Definitions(tree.ownConfiguration))
        try await ListingOutput(
            alarms, json: output.json,
            hint: all ? "none has ever been active" : "all is well (--all shows those that are normal)"
        ).run(tree, watch: watch)
    }
}
