import ArgumentParser
import PlantClient

/// What every listing takes that can be followed.
struct ListingOptions: ParsableArguments {
    @OptionGroup var tree: TreeOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var filter: FilterArgument

    @Flag(name: .shortAndLong, help: "Follow the changes: a live list on a terminal, one line a change elsewhere.")
    var watch = false

    /// Whether a live list is drawn.
    var isLive: Bool { watch && Terminal.isInteractive && !output.json }

    /// Asks the plant and prints, once or until Ctrl-C.
    ///
    /// - Parameter hint: What to say when there is nothing, beside that there is nothing.
    func show<Row: ListedRow>(_ selection: Selection<Row>, hint: String) async throws {
        let output = ListingOutput(selection: selection, json: output.json, hint: hint)
        if watch {
            try await untilInterrupted { try await tree.withPlant { try await output.follow($0) } }
        } else {
            try await tree.withPlant { try await output.print($0) }
        }
    }
}
