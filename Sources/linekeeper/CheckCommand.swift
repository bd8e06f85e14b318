import ArgumentParser
import JSON
import OrderedCollections
import Plant
import PlantClient
import PlantConfiguration

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check the configuration, and show what a message would become.",
        discussion: """
            Reads the configuration and the files that it includes, and prints every mistake as \
            FILE:LINE:COLUMN: what is wrong; what was expected. Exit status 1 when there is one; warnings alone are 0. \
            Nothing is connected and nothing is changed.

            With --topic, also shows which route takes a message on that topic, and the device, the tags, the values \
            and the alarms that come of it. Several --payload are taken as messages one after the other, --interval \
            apart, so that delays can be tried out.

            Examples:

              linekeeper check
              linekeeper check --config bridge-config/linekeeper.yaml --json
              linekeeper check --topic factory/line1/press1/temperature --payload '{"v":96.5}'
              linekeeper check --topic factory/line1/press1/temperature --payload '{"v":90}' --payload '{"v":91}' --interval 6s
            """)

    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    @Option(name: .long, help: ArgumentHelp("Show what a message on this topic becomes.", valueName: "topic"))
    var topic: String?

    @Option(name: .long, help: ArgumentHelp("The message's payload; may be given several times.", valueName: "payload"))
    var payload: [String] = []

    @Option(name: .long, help: ArgumentHelp("Time between one payload and the next.", valueName: "duration"))
    var interval = "1s"

    @Flag(name: .long, help: "Take the messages as retained ones, which the broker had kept.")
    var retained = false

    func validate() throws {
        guard DurationSyntax.parse(interval) != nil else {
            throw ValidationError("--interval is \"\(interval)\"; expected a duration such as 250ms, 4s or 5m")
        }
        guard topic != nil || payload.isEmpty else { throw ValidationError("--payload needs --topic") }
    }

    func run() async throws {
        guard let file = configuration.file else { _ = try configuration.load(); return }
        let loaded: GatewayConfiguration
        do throws(ConfigurationError) {
            loaded = try GatewayConfiguration.load(file: file)
        } catch {
            guard output.json else { throw error }
            for problem in error.problems { Terminal.line("\(Self.json(problem))") }
            throw CommandFailure(.no)
        }
        for warning in loaded.warnings {
            if output.json { Terminal.line("\(Self.json(warning))") } else { Terminal.errorLine("\(warning)") }
        }
        let hasMistakes = loaded.warnings.contains { $0.severity != .warning }
        guard let topic else {
            if hasMistakes { throw CommandFailure(.no) }
            if !output.json { Terminal.line(Self.summary(of: loaded, file: file)) }
            return
        }
        let milliseconds = DurationSyntax.parse(interval)?.milliseconds ?? 1000
        let trial = MessageTrial(configuration: loaded, topic: topic, isRetained: retained)
        let steps = trial.steps(
            payloads: payload.map { Array($0.utf8) }, start: WallClock.now(), interval: milliseconds)
        if output.json {
            Terminal.line("\(trial.json(steps))")
        } else {
            Terminal.write(trial.text(steps))
        }
        if hasMistakes || trial.route == nil || steps.contains(where: { !$0.isUnderstood }) {
            throw CommandFailure(.no)
        }
    }

    private static func summary(of configuration: GatewayConfiguration, file: String) -> String {
        func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
        let tree =
            switch configuration.tree {
            case .embedded(let embedded): "a tree of its own in \(embedded.data)"
            case .ensemble(let servers): "the tree at \(servers)"
            }
        let state =
            configuration.warnings.isEmpty
            ? "all is well" : "it can be used, with \(count(configuration.warnings.count, "warning"))"
        return """
            \(file): \(state). Plant \(configuration.plant) (\(configuration.timeZone)), gateway \(configuration.gateway), broker \
            \(configuration.mqtt.brokersInWords), \(tree); \(count(configuration.routes.count, "route")), \
            \(count(configuration.alarms.count, "alarm")), \(count(configuration.commands.count, "command")).
            """
    }

    private static func json(_ problem: ConfigurationProblem) -> JSONValue {
        var members: JSONValue = [
            "severity": .string(problem.severity.name), "file": .string(problem.file),
            "line": problem.line.map { .integer(Int64($0)) } ?? .null,
            "column": problem.column.map { .integer(Int64($0)) } ?? .null, "what": .string(problem.what),
        ]
        if let expected = problem.expected, case .object(var object) = members {
            object["expected"] = .string(expected)
            members = .object(object)
        }
        return members
    }
}
