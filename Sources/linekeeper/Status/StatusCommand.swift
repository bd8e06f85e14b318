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
              linekeeper status --owners
              linekeeper status --owners --device factory/line1/press1
              linekeeper status --unrouted

            Exit status 3 when the tree or every broker cannot be reached; 1 when there is a problem: what a gateway \
            says has failed for some seconds (values, alarms, announcements, commands that do not get through, refused \
            subscriptions, full tables, a clock that was set), gateways that do not hear the broker or have other \
            routes, work that no gateway does, a broker of several that cannot be reached.

            With --owners, shows instead which gateway owns which shards, how many devices and tags that is, and why: the \
            shards fall to it by its weight, it stands in for another one, or it keeps them until another one takes them. \
            With --device, the same of the one shard that the device belongs to, whether the device is known or not. \
            Exit status 1 when a shard that is shown has no owner.

            With --unrouted, shows instead how many messages each gateway has heard since its start that no route \
            takes, by the first two levels of their topics. A gateway hears little but what its routes subscribe to, \
            unless its configuration says what it observes besides, such as mqtt.observe: ["#"]. Exit status 1 when no \
            gateway runs.
            """)

    @OptionGroup var tree: TreeOptions
    @OptionGroup var output: OutputOptions

    @Flag(name: .long, help: "Show what no route takes, by the beginnings of topics.")
    var unrouted = false

    @Flag(name: .long, help: "Show who owns what, and why.")
    var owners = false

    @Option(name: .long, help: ArgumentHelp("With --owners: only the shard of this device.", valueName: "device"))
    var device: String?

    func validate() throws {
        guard !owners || !unrouted else { throw ValidationError("--owners and --unrouted show different things") }
        guard let device else { return }
        guard owners else { throw ValidationError("--device needs --owners") }
        do throws(RecordMistake) { _ = try CommandRecord.device(device) } catch {
            throw ValidationError("\"\(device)\" cannot be a device: \(error.text)")
        }
    }

    func run() async throws {
        if owners { return try await showOwners() }
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

    private func showOwners() async throws {
        let plant = try await tree.withPlant { try await $0.status() }
        let shown: [OwnershipReport.Shard]
        if let device {
            let shard = plant.ownership.shard(ShardMap.shard(of: try CommandRecord.device(device)))
            shown = [shard]
            Terminal.line(
                output.json
                    ? "\(plant.json(of: shard, device: device))" : plant.ownership.text(of: shard, device: device))
        } else {
            shown = plant.ownership.shards
            if output.json {
                for object in plant.ownersJSON { Terminal.line("\(object)") }
            } else {
                Terminal.write(plant.ownersText)
            }
        }
        if shown.contains(where: { $0.owner == nil }) { throw CommandFailure(.no) }
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
