import ArgumentParser
import Plant
import PlantConfiguration

struct TagsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tags",
        abstract: "Show the latest value of tags, or remove one.",
        discussion: """
            A tag is one sensor's value; its name is the MQTT topic that it comes from. Its quality is good, uncertain \
            (kept by the broker from earlier), bad (the last message could not be understood) or stale (its device has \
            been silent for too long). With --json, each tag also has the description, area and range that the \
            configuration gives it.

            Examples:

              linekeeper tags
              linekeeper tags 'factory/line1/#' --watch
              linekeeper tags '+/+/+/temperature' --json
              linekeeper tags forget factory/line1/press1/temperature
            """,
        subcommands: [TagsListCommand.self, TagsForgetCommand.self], defaultSubcommand: TagsListCommand.self)
}

struct TagsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Show tags (this is the default).")

    @OptionGroup var tree: TreeOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var filter: FilterArgument

    @Flag(name: .shortAndLong, help: "Follow the changes: a live list on a terminal, one line a change elsewhere.")
    var watch = false

    func run() async throws {
        try await Listing.run(
            TagRow.listing(try filter.parsed(), rules: try rules, definitions: try Definitions(tree)), tree: tree,
            output: output, watch: watch,
            hint: "does anything publish? (linekeeper simulate; linekeeper status)")
    }

    /// What the configuration says of tags; nothing when the command line names another tree or plant.
    private var rules: TagRules {
        get throws {
            guard output.json, tree.configuration.file != nil, tree.server == nil, tree.plant == nil else {
                return TagRules()
            }
            return try tree.configuration.load().tags
        }
    }
}

/// What the listings share.
enum Listing {
    static func run<Row: ListedRow>(
        _ listing: TreeListing<Row>, tree: TreeOptions, output: OutputOptions, watch: Bool, hint: String
    ) async throws {
        let output = ListingOutput(listing: listing, json: output.json, hint: hint)
        if watch {
            try await untilInterrupted { try await tree.withTree { try await output.follow($0) } }
        } else {
            try await tree.withTree { try await output.print($0) }
        }
    }
}

extension FilterArgument {
    func parsed() throws -> TopicFilter {
        do { return try TopicFilter(filter) } catch {
            throw ValidationError("\"\(filter)\" is not a filter: \(error)")
        }
    }
}
