import ArgumentParser
import Plant
import PlantClient
import PlantConfiguration
import Primitives

struct CommandSendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Send a command to a device, and wait for what becomes of it.",
        discussion: """
            With --id, sending the same again is harmless: it is carried out once, and the second call shows the \
            result of the first. Without it an id is made up and printed.

            Examples:

              linekeeper command send factory/line1/conveyor1 setSpeed rpm=1200
              linekeeper command send factory/line1/pump1 stopPump --id stop-42 --timeout 5s
              linekeeper command send factory/line1/conveyor1 setSpeed rpm=900 --no-wait

            Exit status 0 only when the command has succeeded and no tag contradicts that, or, when its device never \
            answers, has been published (with --no-wait: when it has been requested).
            """)

    @OptionGroup var tree: TreeOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The device, as linekeeper devices shows it.")
    var device: String

    @Argument(help: "The command's name.")
    var name: String

    @Argument(help: ArgumentHelp("Its parameters.", valueName: "key=value"))
    var parameters: [String] = []

    @Option(name: .long, help: ArgumentHelp("The command's id; the same id is carried out once.", valueName: "id"))
    var id: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "How long it may take; later nobody sends it and no device obeys. Default: as configured.",
            valueName: "duration"))
    var timeout: String?

    @Option(name: .long, help: ArgumentHelp("Who asks. Default: you.", valueName: "name"))
    var by: String = Person.current

    @Flag(name: .long, inversion: .prefixedNo, help: "Wait for what becomes of it.")
    var wait = true

    func validate() throws {
        try CommandArguments.validate(parameters)
        guard timeout.map({ (DurationSyntax.parse($0) ?? .zero) > .zero }) ?? true else {
            throw ValidationError("--timeout is \"\(timeout ?? "")\"; expected a duration such as 10s")
        }
        if let id, let mistake = CommandRecord.mistake(inID: id) { throw ValidationError("--id: \(mistake)") }
        do throws(RecordMistake) { _ = try CommandRecord.device(device) } catch {
            throw ValidationError("\"\(device)\" cannot be a device: \(error.text)")
        }
    }

    /// What the configuration knows of the command; nil when there is no configuration here, and then the gateway decides.
    private func definition() throws -> CommandDefinition? {
        guard let plant = try tree.ownDefinition, let path = try? TagPath(device) else { return nil }
        return try CommandArguments.definition(of: name, for: path, in: plant)
    }

    func run() async throws {
        let definition = try definition()
        let given = try CommandArguments.values(parameters, definition)
        let patience = timeout.flatMap(DurationSyntax.parse)
        let record = CommandRecord(
            id: id ?? Self.newID(), device: try CommandRecord.device(device), command: name, parameters: given,
            by: Principal(claimed: by),
            requestedAt: WallClock.now(), timeout: patience?.wholeMilliseconds)
        // The record of a timed-out command is written by the gateway, a moment after the deadline.
        let limit = patience ?? .milliseconds(definition?.timeout ?? CommandDefinition.defaultTimeout)
        let isWaiting = wait
        let isTalking = !output.json && wait
        let final = try await tree.withPlant { plant in
            try await plant.send(record, patience: isWaiting ? limit + .seconds(3) : nil) { record in
                if isTalking, !record.state.isFinal {
                    Terminal.errorLine("\(record.state.rawValue)\(record.gateway.map { " by \($0)" } ?? "")")
                }
            }
        }
        report(final)
        if isWaiting { try CommandOutcome.judge(final) }
    }

    private func report(_ record: CommandRecord) {
        if output.json {
            Terminal.line("\(record.json)")
        } else {
            Terminal.line("\(record.id)  " + CommandOutcome.text(record))
        }
    }

    /// Time and chance: unique, and in order of time when sorted.
    private static func newID() -> String {
        let time = String(WallClock.now(), radix: 36)
        let chance = String(UInt32.random(in: 0 ... .max), radix: 36)
        return "c-\(time)-\(chance)"
    }
}
