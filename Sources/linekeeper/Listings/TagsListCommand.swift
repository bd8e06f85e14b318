import ArgumentParser
import Plant
import PlantClient
import PlantConfiguration

struct TagsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Show tags (this is the default).")

    @OptionGroup var options: ListingOptions

    func run() async throws {
        let filter = try options.filter.parsed()
        let configuration = try options.tree.ownConfiguration
        let tags = Selection.tags(
            filter, rules: configuration?.tags ?? TagRules(), definitions: try Definitions(configuration))
        try await options.show(tags, hint: "does anything publish? (linekeeper simulate; linekeeper status)")
    }
}
