import ArgumentParser
import Plant
import PlantClient
import PlantConfiguration

struct DevicesListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show devices (this is the default).")

    @OptionGroup var options: ListingOptions

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Only those in this state: online, offline or stale. Several: repeat it, or separate them by commas.",
            valueName: "state"))
    var state: [String] = []

    @Flag(name: .long, help: "Only those that flap.")
    var flapping = false

    @Option(name: .long, help: ArgumentHelp("Only those that this route has found.", valueName: "name"))
    var route: String?

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp(
            "Only those that have been in their state for at least so long, such as 10m. Not with --watch.",
            valueName: "time"))
    var time: String?

    @Flag(name: .long, help: "Only those that the configuration does not define any more.")
    var orphaned = false

    /// The states, in the order in which they were named.
    func states() throws -> [DeviceState] {
        let words = state.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }
        return try words.map { word in
            guard let state = DeviceState(rawValue: String(word)) else {
                throw ValidationError("--state is \"\(printable(String(word)))\"; expected online, offline or stale")
            }
            return state
        }
    }

    func validate() throws {
        _ = try states()
        guard let time else { return }
        guard DurationSyntax.parse(time).map({ $0 > .zero }) ?? false else {
            throw ValidationError("--for is \"\(printable(time))\"; expected a duration such as 30s, 10m or 2h")
        }
        // A device comes to be in its state for long enough without any change that could be followed.
        guard !options.watch else {
            throw ValidationError("--for cannot be followed: leave out --watch, and ask again later")
        }
    }

    func run() async throws {
        let filter = try options.filter.parsed()
        let definition = try options.tree.ownDefinition
        var conditions = DeviceConditions()
        conditions.states = try states()
        conditions.isFlapping = flapping
        conditions.route = route
        conditions.isOrphaned = orphaned
        conditions.lasting = time.flatMap(DurationSyntax.parse).map { .init($0, at: WallClock.now()) }
        let which = filter.text == "#" ? "no device" : "no device of \(filter.text)"
        try await options.show(
            .devices(
                filter, conditions,
                definitions: orphaned ? Definitions(toFindOrphans: definition) : Definitions(definition)),
            nothing: conditions.text.map { "\(which) is \($0)" }
                ?? "no device matches; devices appear with their first message (linekeeper simulate)")
    }
}
