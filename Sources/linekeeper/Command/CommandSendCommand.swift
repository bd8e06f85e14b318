import ArgumentParser
import Foundation
import JSON
import OrderedCollections
import Plant
import PlantClient
import PlantConfiguration
import ZooKeeperClient

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

            Exit status 0 only when the command has succeeded (with --no-wait: when it has been requested).
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
        for parameter in parameters where !parameter.contains("=") || parameter.hasPrefix("=") {
            throw ValidationError("\"\(parameter)\" is not a parameter; expected key=value, such as rpm=1200")
        }
        guard timeout.map({ (DurationSyntax.parse($0) ?? .zero) > .zero }) ?? true else {
            throw ValidationError("--timeout is \"\(timeout ?? "")\"; expected a duration such as 10s")
        }
        if let id, let mistake = CommandRecord.mistake(inID: id) { throw ValidationError("--id: \(mistake)") }
        do throws(RecordMistake) { _ = try CommandRecord.device(device) } catch {
            throw ValidationError("\"\(device)\" cannot be a device: \(error.text)")
        }
    }

    func run() async throws {
        let definition = try definition()
        let given = try values(definition)
        let patience = timeout.flatMap(DurationSyntax.parse)
        let record = CommandRecord(
            id: id ?? Self.newID(), device: try CommandRecord.device(device), command: name, parameters: given, by: by,
            requestedAt: WallClock.now(), timeout: patience?.milliseconds)
        // The record of a timed-out command is written by the gateway, a moment after the deadline.
        let limit = patience ?? .milliseconds(definition?.timeout ?? CommandDefinition.defaultTimeout)
        let isWaiting = wait
        let isTalking = !output.json && wait
        let final = try await tree.withTree { client -> CommandRecord in
            let commands = CommandClient(client: client)
            guard try await client.exists("/") != nil else {
                throw CommandFailure(.no, "no gateway has ever run on this tree; start one (linekeeper run)")
            }
            do {
                if case .known(let earlier) = try await commands.submit(record), !isWaiting { return earlier }
                guard isWaiting else { return record }
                return try await commands.wait(record.id, until: .now + limit + .seconds(3)) { record in
                    if isTalking, !record.state.isFinal {
                        Terminal.errorLine("\(record.state.rawValue)\(record.gateway.map { " by \($0)" } ?? "")")
                    }
                }
            } catch let failure as CommandClient.Failure {
                throw CommandFailure(.no, "\(failure)")
            }
        }
        report(final)
        if isWaiting { try CommandOutcome.judge(final) }
    }

    /// What the configuration knows of the command; nil when there is no configuration here, and then the gateway decides.
    private func definition() throws -> CommandDefinition? {
        guard tree.configuration.file != nil, tree.server == nil, tree.plant == nil else { return nil }
        let configuration = try tree.configuration.load()
        guard let path = try? TagPath(device) else { return nil }
        let catalogue = CommandCatalogue(configuration.commands)
        do throws(CommandCatalogue.Absence) {
            return try catalogue.definition(of: name, for: path)
        } catch {
            let known = catalogue.definitions(for: path).map(\.name)
            let list = known.isEmpty ? "the configuration has none for it" : "it knows \(known.joined(separator: ", "))"
            let hint = Spelling.nearest(to: name, in: known).map { " (did you mean \"\($0)\"?)" } ?? ""
            throw CommandFailure(
                .no, "\(printable(device)) does not know a command \"\(printable(name))\"\(hint); \(list)")
        }
    }

    private func values(_ definition: CommandDefinition?) throws -> OrderedDictionary<String, JSONValue> {
        var values: OrderedDictionary<String, JSONValue> = [:]
        for parameter in parameters {
            guard let equals = parameter.firstIndex(of: "=") else { continue }
            let key = String(parameter[..<equals])
            let text = String(parameter[parameter.index(after: equals)...])
            if values[key] != nil { throw ValidationError("parameter \(key) is given twice") }
            do throws(CommandParameter.Mistake) {
                if let declared = definition?.parameters.first(where: { $0.name == key }) {
                    values[key] = try declared.value(fromText: text)
                } else {
                    values[key] = (try? JSONValue(parsing: text)) ?? .string(text)
                }
            } catch {
                throw CommandFailure(.no, "\(error)")
            }
        }
        do throws(CommandParameter.Mistake) { _ = try definition?.checked(values) } catch {
            throw CommandFailure(.no, "\(error)")
        }
        return values
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

/// What a command's record means.
enum CommandOutcome {
    static func text(_ record: CommandRecord) -> String {
        let style: Style =
            switch record.state {
            case .succeeded: .green
            case .requested, .sent: .cyan
            case .cancelled, .expired: .yellow
            case .rejected, .failed, .timedOut, .unknown: .red
            }
        let detail = record.detail.map { ": \(printable($0))" } ?? ""
        return style.applied(to: record.state.rawValue) + detail
    }

    /// Throws when the answer is no.
    static func judge(_ record: CommandRecord) throws {
        switch record.state {
        case .succeeded: return
        case .requested:
            throw CommandFailure(
                .no,
                "no gateway has taken the command yet; is one running? (linekeeper status). It stands as \(record.id); linekeeper command cancel withdraws it"
            )
        case .sent, .timedOut, .unknown:
            throw CommandFailure(
                .no, "it was sent, but nobody can say whether the device has done it; look at the device")
        case .failed, .rejected, .expired, .cancelled:
            throw CommandFailure(.no)
        }
    }
}
