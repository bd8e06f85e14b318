import ArgumentParser

struct DevicesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "devices",
        abstract: "Show which devices are known and which are there, or remove one.",
        discussion: """
            A device becomes known with its first message. It is online while it is heard, offline when its own last \
            will (the route's presence topic) says so or when it has been silent for longer than the heartbeat that \
            its route promises, and stale when it has been silent for longer than its route's staleAfter.

            A device that goes and comes flaps: it is called online again only once it has been there for a while (the \
            route's flapping). The options choose among the devices that match the filter, and all of them must hold; \
            with --watch, a device is shown while they do. Exit status 0, also when there is none.

            Examples:

              linekeeper devices
              linekeeper devices 'factory/line1/+' --watch
              linekeeper devices --state offline,stale --for 10m
              linekeeper devices --flapping --watch
              linekeeper devices 'factory/line1/#' --route machines --json
              linekeeper devices forget factory/line1/press1
            """,
        subcommands: [DevicesListCommand.self, DevicesForgetCommand.self], defaultSubcommand: DevicesListCommand.self)
}
