import ArgumentParser
import JSON
import Logging
import Plant
import PlantClient
import PlantConfiguration

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the gateways, the active alarm processor, the shards, and whether tree and broker are well.",
        discussion: """
            Examples:

              linekeeper status
              linekeeper status --json | jq 'select(.kind == "gateway")'
              linekeeper status --unrouted

            Exit status 3 when the tree or every broker cannot be reached; 1 when there is a problem: what a gateway \
            says has failed for some seconds (values, alarms, announcements, commands that do not get through, refused \
            subscriptions, full tables, a clock that was set), gateways that do not hear the broker or have other \
            routes, work that no gateway does, a broker of several that cannot be reached.

            With --unrouted, shows instead how many messages each gateway has heard since its start that no route \
            takes, by the first two levels of their topics. A gateway hears little but what its routes subscribe to, \
            unless its configuration says what it observes besides, such as mqtt.observe: ["#"]. Exit status 1 when no \
            gateway runs.
            """)

    @OptionGroup var tree: TreeOptions
    @OptionGroup var output: OutputOptions

    @Flag(name: .long, help: "Show what no route takes, by the beginnings of topics.")
    var unrouted = false

    func run() async throws {
        if unrouted { return try await showUnrouted() }
        let place = try tree.place()
        async let brokers = brokerHealth()
        let plant: PlantStatus
        do {
            plant = try await tree.withPlant { try await $0.status() }
        } catch {
            // Above all, the plant's health is what is down.
            if output.json { Terminal.line("\(Self.unreachable(place.servers, error))") }
            for broker in await brokers { Terminal.line(output.json ? "\(broker.json)" : broker.line) }
            throw error
        }
        let brokersFound = await brokers
        let now = WallClock.now()
        if output.json {
            for object in plant.json(servers: place.servers, now: now) { Terminal.line("\(object)") }
            for broker in brokersFound { Terminal.line("\(broker.json)") }
        } else {
            Terminal.write(plant.text(servers: place.servers, now: now))
            for broker in brokersFound { Terminal.line(broker.line) }
        }
        if !brokersFound.isEmpty, !brokersFound.contains(where: \.isWell) { throw CommandFailure(.unreachable) }
        if !plant.complaints(at: now).isEmpty || !brokersFound.allSatisfy(\.isWell) { throw CommandFailure(.no) }
    }

    private func showUnrouted() async throws {
        let plant = try await tree.withPlant { try await $0.status() }
        guard !plant.unrouted.isEmpty else {
            throw CommandFailure(.no, "no gateway runs: nothing is counted; start one (linekeeper run)")
        }
        if output.json {
            for object in plant.unroutedJSON { Terminal.line("\(object)") }
        } else {
            Terminal.write(plant.unroutedText)
        }
    }

    /// Whether each broker of the configuration answers; empty when there is no configuration that would name one.
    private func brokerHealth() async -> [BrokerHealth] {
        guard let settings = try? tree.configuration.load().local.mqtt else { return [] }
        return await BrokerHealth.probe(settings, logger: .quiet)
    }

    /// The tree's line when nothing can be read from it.
    private static func unreachable(_ servers: String, _ error: any Error) -> JSONValue {
        let problem = if case PlantFailure.tree(let refusal) = error { refusal.cause } else { "\(error)" }
        return ["kind": "tree", "servers": .string(servers), "reachable": false, "problem": .string(problem)]
    }
}
