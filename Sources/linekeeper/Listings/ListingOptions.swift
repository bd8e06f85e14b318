import ArgumentParser
import PlantClient

/// What every listing takes that can be followed.
struct ListingOptions: ParsableArguments {
    @OptionGroup var tree: TreeOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var filter: FilterArgument

    @Flag(
        name: [.short, .long, .customShort("f"), .customLong("follow")],
        help: "Follow the changes: a live list on a terminal, one line per change elsewhere.")
    var watch = false

    /// Whether a live list is drawn.
    var isLive: Bool { watch && Terminal.isInteractive && !output.json }

    /// Asks the plant and prints, once or until Ctrl-C.
    ///
    /// - Parameters:
    ///   - nothing: What to say when there is nothing.
    ///   - fails: Whether the exit status is that of a no while gateways do not keep the rows up to date.
    func show<Row: ListedRow>(_ selection: Selection<Row>, nothing: String, fails: Bool = false) async throws {
        let output = ListingOutput(selection: selection, json: output.json, nothing: nothing, fails: fails)
        if watch {
            try await untilInterrupted { try await tree.withPlant { try await output.follow($0) } }
        } else {
            try await tree.withPlant { try await output.print($0) }
        }
    }
}
