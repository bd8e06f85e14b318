import ArgumentParser
import Plant
import PlantClient

struct TagsForgetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract: "Remove a tag that nothing defines any more, or that is silent.",
        discussion: """
            The tag and its alarms go from the tree, and the journal says who wanted it. A tag of a device that is \
            online goes only once it is stale or no route makes it. It comes back with its next message, a retained \
            one included: clear that on the broker first (mosquitto_pub -r -n -t TOPIC).

            Examples:

              linekeeper tags forget factory/line1/press1/temperature
              linekeeper tags forget --orphaned

            Exit status 1 when something was refused.
            """)

    @OptionGroup var tree: TreeOptions
    @OptionGroup var options: ForgetOptions

    @Argument(help: "The tag, as the listing shows it, or a filter.")
    var tag: String?

    func validate() throws {
        guard options.orphaned || tag != nil else { throw ValidationError("say which tag, or --orphaned") }
        try Forgetting.check([tag])
    }

    func run() async throws {
        if let tag, Forgetting.isName(tag, options) {
            try await Forgetting.run([.tag(tag)], options, tree)
        } else {
            try await Forgetting.run(tag, options, tree) { Selection.tags($0, definitions: $1) }
        }
    }
}
