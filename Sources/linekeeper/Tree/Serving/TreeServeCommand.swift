import ArgumentParser
import EmbeddedZooKeeper
import Logging
import ServiceLifecycle
import UnixSignals

struct TreeServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve a tree, durable and on its own, to gateways and to any ZooKeeper client.",
        discussion: """
            A write is answered once it would survive a loss of power. After a restart everything is there, sessions \
            included. For several servers that replicate to each other, run an Apache ZooKeeper ensemble instead; \
            gateways do not care.

            Examples:

              linekeeper tree serve --data /var/lib/linekeeper/tree
              linekeeper tree serve --data ./tree --listen 127.0.0.1:2181 --listen '[::1]:2181' --tick-ms 500
              zkCli.sh -server 127.0.0.1:2181
            """)

    @OptionGroup var options: TreeServeOptions

    @Option(name: .long, help: "From which level on to log.")
    var logLevel = LogLevel(level: .info)

    func run() async throws {
        CrashSignals.endAtOnce()
        let level = logLevel.level
        LoggingSystem.bootstrap { StandardErrorLog(label: $0, level: level) }
        let logger = Logger(label: "linekeeper.tree")
        let configuration = try options.configuration()
        EmbeddedServer.raiseFileDescriptorLimit()
        let server = EmbeddedServer(configuration: configuration, logger: logger)
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: server, successTerminationBehavior: .gracefullyShutdownGroup)
        ]
        // Without certificates and users the signal keeps its meaning: the terminal is gone.
        if configuration.tls != nil || options.security.saslUsers != nil {
            services.append(
                .init(service: ReloadSignal(server: server, saslUsers: options.security.saslUsers, logger: logger)))
        }
        let group = ServiceGroup(
            configuration: .init(
                services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        do {
            try await group.run()
        } catch let error where !(error is CancellationError) {
            throw CommandFailure(.no, "the tree cannot be served: \(error)")
        }
    }
}
