import ArgumentParser
import PlantClient

struct DevicesListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show devices (this is the default).")

    @OptionGroup var options: ListingOptions

    func run() async throws {
        let filter = try options.filter.parsed()
        let definitions = try Definitions(options.tree.ownDefinition)
        try await options.show(
            .devices(filter, definitions: definitions),
            nothing: "no device matches; devices appear with their first message (linekeeper simulate)")
    }
}
