import ArgumentParser
import Plant
import PlantClient
import PlantConfiguration

struct TagsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Show tags (this is the default).")

    @OptionGroup var tree: TreeOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var filter: FilterArgument

    @Flag(name: .shortAndLong, help: "Follow the changes: a live list on a terminal, one line a change elsewhere.")
    var watch = false

    func run() async throws {
        let filter = try filter.parsed()
        let configuration = try tree.ownConfiguration
        let tags = Selection.tags(
            filter, rules: configuration?.tags ?? TagRules(), definitions: try Definitions(configuration))
        try await ListingOutput(
            tags, json: output.json, hint: "does anything publish? (linekeeper simulate; linekeeper status)"
        ).run(tree, watch: watch)
    }
}
