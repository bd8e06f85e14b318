import ArgumentParser
import Plant
import PlantClient

struct AlarmsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show alarms (this is the default).")

    @OptionGroup var options: ListingOptions

    @Flag(name: .shortAndLong, help: "Show alarms in the state NORM, too.")
    var all = false

    func run() async throws {
        let filter = try options.filter.parsed()
        // A followed list shows an alarm's return to normal, which is a change like any other.
        let alarms = Selection.alarms(
            filter, normal: all || (options.watch && !options.isLive),
            definitions: try Definitions(options.tree.ownDefinition))
        let which = filter.text == "#" ? "no alarm" : "no alarm of \(filter.text)"
        try await options.show(
            alarms,
            nothing: all
                ? "\(which) has ever been active"
                : "\(which) needs attention (--all shows those that are normal)", fails: true)
    }
}
