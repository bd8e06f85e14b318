import ArgumentParser
import Plant
import PlantConfiguration

/// `--config`, which every subcommand takes that needs a configuration.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The configuration.",
            discussion:
                "Default: $LINEKEEPER_CONFIG, else bridge-config/linekeeper.yaml here, else /etc/linekeeper/linekeeper.yaml.",
            valueName: "file"))
    var config: String?

    /// The file, or nil when nobody named one and there is none in the usual places.
    var file: String? { ConfigurationLookup.find(explicit: config) }

    /// The configuration; one must exist.
    func load() throws -> GatewayConfiguration {
        guard let file else {
            throw CommandFailure(
                .usage,
                "there is no configuration: name one with --config FILE or in $\(ConfigurationLookup.variable), or make \(ConfigurationLookup.here)"
            )
        }
        return try GatewayConfiguration.load(file: file)
    }
}

/// `--json`, which every listing takes.
struct OutputOptions: ParsableArguments {
    @Flag(name: .long, help: "Print one JSON object a line instead of a table.")
    var json = false
}

/// A filter for tags, devices and alarms.
struct FilterArgument: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "Which ones, in MQTT filter syntax: + is one level, a last # all that follow.", valueName: "filter"))
    var filter = "#"

    func parsed() throws -> TopicFilter {
        do { return try TopicFilter(filter) } catch {
            throw ValidationError("\"\(filter)\" is not a filter: \(error)")
        }
    }
}
