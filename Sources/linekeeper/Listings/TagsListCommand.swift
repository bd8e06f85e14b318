import ArgumentParser
import Plant
import PlantClient
import PlantConfiguration

struct TagsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Show tags (this is the default).")

    @OptionGroup var options: ListingOptions

    func run() async throws {
        let filter = try options.filter.parsed()
        let definition = try options.tree.ownDefinition
        let tags = Selection.tags(
            filter, rules: definition?.tags ?? TagRules(), definitions: try Definitions(definition))
        try await options.show(
            tags, nothing: "no tag matches; does anything publish? (linekeeper simulate; linekeeper status)")
    }
}
