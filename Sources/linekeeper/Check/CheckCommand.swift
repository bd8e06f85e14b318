import ArgumentParser
import JSON
import OrderedCollections
import Plant
import PlantClient
import PlantConfiguration
import Primitives

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check the configuration, and show what a message would become.",
        discussion: """
            Reads the configuration and the files that it includes, and prints every mistake as \
            FILE:LINE:COLUMN: what is wrong; what was expected. Exit status 1 when there is one; warnings alone are 0. \
            Without --listen nothing is connected; nothing is changed.

            With --topic, also shows which route takes a message on that topic, and the device, the tags, the values \
            and the alarms that come of it. Several --payload are taken as messages one after the other, --interval \
            apart, so that delays can be tried out. The exit status is then also 1 when no route takes the topic or a \
            payload cannot be read. What cannot be read is named with the place where the route looks for it and, where \
            the payload itself is broken, the byte, from 0; with --json as reason, tag, place and byte. A payload that is \
            no text is given as hexadecimal digits, with --hex.

            With --listen, does the same for what arrives at the broker during that time, on all topics or on those that \
            --topic, then a filter, names: each topic's first message, the first one that cannot be read, and in the end \
            what each route took and what none takes. Of more than 1,000 topics the others are read and not shown. Exit status 1 \
            when a message cannot be read as its route says, or nothing arrives.

            With --command and --device, shows what that command would publish for that device, and what would tell how it \
            went, or why it would be refused (exit status 1). Nothing is sent.

            Examples:

              linekeeper check
              linekeeper check --config bridge-config/linekeeper.yaml --json
              linekeeper check --topic factory/line1/press1/temperature --payload '{"v":96.5}'
              linekeeper check --listen 10s --topic 'factory/#'
              linekeeper check --command power --device tasmota/plug on=true
              linekeeper check --topic factory/line1/press1/temperature --payload '{"v":90}' --payload '{"v":91}' --interval 6s
            """)

    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    @Option(name: .long, help: ArgumentHelp("Show what a message on this topic becomes.", valueName: "topic"))
    var topic: String?

    @Option(name: .long, help: ArgumentHelp("The message's payload; may be given several times.", valueName: "payload"))
    var payload: [String] = []

    @Option(name: .long, help: ArgumentHelp("Explain what arrives at the broker for so long.", valueName: "duration"))
    var listen: String?

    @Option(name: .long, help: ArgumentHelp("Time between one payload and the next.", valueName: "duration"))
    var interval = "1s"

    @Option(name: .long, help: ArgumentHelp("Show what this command would publish.", valueName: "name"))
    var command: String?

    @Option(name: .long, help: ArgumentHelp("The device that it would be for.", valueName: "device"))
    var device: String?

    @Argument(help: ArgumentHelp("The parameters of --command.", valueName: "key=value"))
    var parameters: [String] = []

    @Flag(name: .long, help: "The payloads are hexadecimal digits, for what is no text: CBOR, Sparkplug B.")
    var hex = false

    @Flag(name: .long, help: "Take the messages as retained ones, which the broker had kept.")
    var retained = false

    func validate() throws {
        guard DurationSyntax.parse(interval) != nil else {
            throw ValidationError("--interval is \"\(interval)\"; expected a duration such as 250ms, 4s or 5m")
        }
        guard !hex || !payload.isEmpty else { throw ValidationError("--hex needs --payload") }
        for text in payload where hex && HexText.bytes(text) == nil {
            throw ValidationError("--payload is \"\(text)\"; expected pairs of hexadecimal digits")
        }
        guard topic != nil || payload.isEmpty else { throw ValidationError("--payload needs --topic") }
        guard (command == nil) == (device == nil) else { throw ValidationError("--command and --device go together") }
        guard command != nil || parameters.isEmpty else {
            throw ValidationError("\"\(parameters.first ?? "")\" belongs to no --command")
        }
        guard command == nil || (topic == nil && listen == nil) else {
            throw ValidationError("--command goes with neither --topic nor --listen")
        }
        try CommandArguments.validate(parameters)
        if let listen {
            guard let time = DurationSyntax.parse(listen), time > .zero else {
                throw ValidationError("--listen is \"\(listen)\"; expected a duration such as 10s")
            }
            guard payload.isEmpty, !retained, interval == "1s" else {
                throw ValidationError(
                    "--listen takes what arrives: no --payload, --interval or --retained goes with it")
            }
            _ = try heardFilter()
        }
    }

    func run() async throws {
        guard let file = configuration.file else { _ = try configuration.load(); return }
        let loaded: GatewayConfiguration
        do throws(ConfigurationError) {
            loaded = try GatewayConfiguration.load(file: file)
        } catch {
            guard output.json else { throw error }
            for problem in error.problems { Terminal.line("\(problem.json)") }
            throw CommandFailure(.no)
        }
        for warning in loaded.warnings {
            if output.json { Terminal.line("\(warning.json)") } else { Terminal.errorLine("\(warning)") }
        }
        let hasMistakes = loaded.warnings.contains { $0.severity != .warning }
        if let time = listen.flatMap(DurationSyntax.parse) {
            let isUnderstood = try await explainArrivals(loaded, for: time)
            if hasMistakes || !isUnderstood { throw CommandFailure(.no) }
            return
        }
        if let command, let device {
            try tryCommand(command, device, loaded.plant)
            if hasMistakes { throw CommandFailure(.no) }
            return
        }
        guard let topic else {
            if hasMistakes { throw CommandFailure(.no) }
            if !output.json { Terminal.line(loaded.summary(file: file)) }
            return
        }
        let milliseconds = DurationSyntax.parse(interval)?.wholeMilliseconds ?? 1000
        let trial = MessageTrial(
            topic: topic, isRetained: retained, routes: loaded.plant.routes, rules: loaded.plant.tags,
            alarms: loaded.plant.alarms)
        let steps = trial.steps(
            payloads: payload.map { hex ? HexText.bytes($0) ?? [] : Array($0.utf8) }, start: WallClock.now(),
            interval: milliseconds)
        if output.json {
            Terminal.line("\(trial.json(steps))")
        } else {
            Terminal.write(trial.text(steps, routes: loaded.plant.routes))
        }
        if hasMistakes || trial.takers.isEmpty || steps.contains(where: { !$0.isUnderstood }) {
            throw CommandFailure(.no)
        }
    }
}
