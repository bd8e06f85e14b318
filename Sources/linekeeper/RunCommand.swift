import ArgumentParser
import Gateway
import Logging
import PlantClient
import PlantConfiguration

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a gateway until it is stopped with Ctrl-C or SIGTERM.",
        discussion: """
            The gateway connects to the broker and to the tree (or serves the tree itself, with tree: embedded), takes \
            its share of the devices, and stands for election as the active alarm processor. It waits for a broker or a \
            tree that is not there yet. A second gateway on the same tree, with another name, is all that a spare needs.

            Logs go to standard error.

            Examples:

              linekeeper check && linekeeper run
              linekeeper run --config /etc/linekeeper/linekeeper.yaml --log-level debug
            """)

    @OptionGroup var configuration: ConfigurationOptions

    @Option(
        name: .long,
        help: "From which level on to log.")
    var logLevel = LogLevel(level: .info)

    func run() async throws {
        CrashSignals.endAtOnce()
        let loaded = try configuration.load()
        let level = logLevel.level
        LoggingSystem.bootstrap { StandardErrorLog(label: $0, level: level) }
        let logger = Logger(label: "linekeeper")
        for warning in loaded.warnings { logger.warning("\(warning)") }
        do {
            try await Gateway(local: loaded.local, definition: loaded.plant, logger: logger).run()
        } catch let error where !(error is CancellationError) {
            logger.error("the gateway has stopped", metadata: ["error": "\(error)"])
            throw CommandFailure(PlantFailure(error) == nil ? .no : .unreachable, "the gateway has stopped: \(error)")
        }
    }
}
