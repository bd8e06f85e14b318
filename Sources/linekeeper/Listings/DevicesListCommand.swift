import ArgumentParser
import PlantClient

struct DevicesListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show devices (this is the default).")

    @OptionGroup var tree: TreeOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var filter: FilterArgument

    @Flag(name: .shortAndLong, help: "Follow the changes: a live list on a terminal, one line a change elsewhere.")
    var watch = false

    func run() async throws {
        let filter = try filter.parsed()
        let definitions = try Definitions(tree.ownConfiguration)
        try await ListingOutput(
            .devices(filter, definitions: definitions), json: output.json,
            hint: "devices appear with their first message (linekeeper simulate)"
        ).run(tree, watch: watch)
    }
}
