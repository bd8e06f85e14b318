import ArgumentParser

struct AlarmsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alarms",
        abstract: "Show alarms, acknowledge one, or remove what nothing defines any more.",
        discussion: """
            Without a subcommand, the alarms that need attention: active ones, and ones that have cleared but that \
            nobody has acknowledged. States are those of ISA-18.2: UNACK active and unacknowledged, ACKED active and \
            acknowledged, RTNUN returned to normal unacknowledged, NORM normal.

            VALUE is the value at the last change of CONDITION, and SINCE is when the occurrence began; linekeeper tags \
            shows the present value.

            While no gateway runs, or none processes alarms, what is shown is old: that is said on standard error, and the exit \
            status is 1.

            Examples:

              linekeeper alarms
              linekeeper alarms 'factory/line1/#' --watch
              linekeeper alarms --all
              linekeeper alarms ack factory/line1/press1/temperature overtemperature --comment "fan cleaned"
            """,
        subcommands: [AlarmsListCommand.self, AlarmsAckCommand.self, AlarmsForgetCommand.self],
        defaultSubcommand: AlarmsListCommand.self)
}
