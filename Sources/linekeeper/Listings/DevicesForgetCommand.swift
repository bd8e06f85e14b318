import ArgumentParser
import Plant
import PlantClient

struct DevicesForgetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract: "Remove a device that is gone, with its tags and their alarms.",
        discussion: """
            All of it goes from the tree in one act, and the journal says who wanted it. A device that is online, or \
            that flaps and is there now, stays, unless no route makes it; so does a gateway that runs. What is heard \
            of the device later, retained messages included, brings it back. A gateway is removed by its name; no \
            filter matches it.

            Examples:

              linekeeper devices forget factory/line1/press1
              linekeeper devices forget linekeeper/gateways/old-gateway
              linekeeper devices forget --orphaned

            Exit status 1 when something was refused.
            """)

    @OptionGroup var tree: TreeOptions
    @OptionGroup var options: ForgetOptions

    @Argument(help: "The device, as the listing shows it, or a filter.")
    var device: String?

    func validate() throws {
        guard options.orphaned || device != nil else { throw ValidationError("say which device, or --orphaned") }
        try Forgetting.check([device])
    }

    func run() async throws {
        if let device, Forgetting.isName(device, options) {
            try await Forgetting.run([.device(device)], options, tree)
        } else {
            // A gateway has no device record, so no filter finds it.
            let isAboutGateways = device?.hasPrefix(GatewayFault.prefix) ?? false
            try await Forgetting.run(
                device, options, tree,
                hint: isAboutGateways
                    ? "a gateway is removed by its name: linekeeper devices forget linekeeper/gateways/NAME" : nil
            ) { Selection.devices($0, definitions: $1) }
        }
    }
}
