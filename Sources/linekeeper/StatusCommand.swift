import ArgumentParser
import Gateway
import Logging
import MQTT
import OrderedCollections
import Plant
import ZooKeeperClient
import ZooKeeperProtocol

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the gateways, the active alarm processor, the shards, and whether tree and broker are well.",
        discussion: """
            Examples:

              linekeeper status
              linekeeper status --json | jq 'select(.kind == "gateway")'

            Exit status 3 when the tree or the broker cannot be reached; 1 when something keeps gateways from serving: nodes
            in /gateways that no gateway keeps, gateways with different routes, gateways that do not hear the broker.
            """)

    @OptionGroup var tree: TreeOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let place = try tree.place()
        async let broker = BrokerHealth.probe(configuration: try? tree.configuration.load())
        let plant: PlantStatus
        do {
            plant = try await tree.withTree { try await PlantStatus.read($0) }
        } catch {
            // Whoever asks for the plant's health wants to hear of what is down above all.
            if output.json { Terminal.line("\(Self.unreachable(place.servers, error))") }
            if let broker = await broker { Terminal.line(output.json ? "\(broker.json)" : broker.line) }
            throw error
        }
        let health = await broker
        if output.json {
            for object in plant.json(servers: place.servers) { Terminal.line("\(object)") }
            if let health { Terminal.line("\(health.json)") }
        } else {
            Terminal.write(plant.text(servers: place.servers, now: WallClock.now()))
            if let health { Terminal.line(health.line) }
        }
        if let health, !health.isWell { throw CommandFailure(.unreachable) }
        if !plant.complaints.isEmpty { throw CommandFailure(.no) }
    }

    /// The tree's line when nothing can be read from it.
    private static func unreachable(_ servers: String, _ error: any Error) -> JSONValue {
        [
            "kind": "tree", "servers": .string(servers), "reachable": false,
            "problem": .string((error as? CommandFailure)?.message ?? "\(error)"),
        ]
    }
}

/// What the tree says about the plant's gateways.
struct PlantStatus: Sendable {
    struct GatewayLine: Sendable {
        var name: String
        var data: JSONValue
        var shards: Int
        var isProcessor: Bool
        /// nil: a node that no living gateway keeps.
        var member: GatewayMember?
        /// Why it owns nothing though it is a member; nil when it may serve.
        var standsBy: String?
    }

    var gateways: [GatewayLine] = []
    var processor: String?
    var processorEpoch: Int64?
    var standbys = 0
    var ownedShards = 0
    var tags = 0
    var devices: [DeviceState: Int] = [:]
    var alarms: [AlarmState: Int] = [:]
    var journalEntries = 0
    var roundTrip: Duration = .zero
    var session: SessionInfo?

    static func read(_ client: ZooKeeperClient) async throws -> PlantStatus {
        var status = PlantStatus()
        let walk = TreeWalk(client: client)
        let started = ContinuousClock.now
        guard try await client.exists("/") != nil else { return status }
        status.roundTrip = ContinuousClock.now - started
        status.session = client.state.session

        let owners = try await lockOwners(client, walk)
        status.ownedShards = owners.count
        if let (path, candidates) = try await firstInQueue(TreeLayout.alarmProcessor, client) {
            let node = try await walk.data(of: [path]).first.flatMap { $0 }
            status.processor = node?.data.map { String(decoding: $0, as: UTF8.self) }
            status.processorEpoch = node?.stat.czxid
            status.standbys = candidates - 1
        }
        try await status.readGateways(client, walk, owners: owners)
        let tags = try await walk.descendants(of: TreeLayout.tags)
        status.tags = Self.leaves(of: tags)
        for node in try await walk.data(of: walk.descendants(of: TreeLayout.devices)) {
            guard let record = node?.data.flatMap(DeviceRecord.init(data:)) else { continue }
            status.devices[record.state, default: 0] += 1
        }
        let alarms = try await walk.descendants(of: TreeLayout.alarms).filter {
            $0.split(separator: "/").last?.first == "@"
        }
        for node in try await walk.data(of: alarms) {
            guard let record = try? AlarmRecord(parsing: node?.data ?? []) else { continue }
            status.alarms[record.state, default: 0] += 1
        }
        status.journalEntries = try await Int(client.exists(TreeLayout.journal)?.numChildren ?? 0)
        return status
    }

    /// Registrations, and what each gateway counts: in a node of its own, or, an older gateway's, in the registration.
    private mutating func readGateways(_ client: ZooKeeperClient, _ walk: TreeWalk, owners: [String]) async throws {
        let names = try await Self.children(TreeLayout.gateways, client).sorted()
        async let figures = walk.data(of: names.map(TreeLayout.status))
        let registrations = try await walk.data(of: names.map(TreeLayout.gateway))
        for ((name, node), figures) in zip(zip(names, registrations), try await figures) {
            guard let node else { continue }
            let bytes = node.data ?? []
            let member = GatewayMember(
                name: name, data: bytes, sessionID: node.stat.ephemeralOwner, registration: node.stat.czxid)
            var data = (try? JSONValue(parsing: bytes))?.objectValue ?? [:]
            let counted = figures.flatMap { try? JSONValue(parsing: $0.data ?? []) }?.objectValue ?? [:]
            // Of another life, it says nothing about this one.
            if counted["life"] == data["life"] {
                for key in ["broker", "counters"] where counted[key] != nil { data[key] = counted[key] }
            }
            gateways.append(
                GatewayLine(
                    name: name, data: .object(data), shards: owners.count { $0 == name },
                    isProcessor: name == processor, member: member))
        }
        let group = ServingGroup(gateways.compactMap(\.member))
        for index in gateways.indices {
            guard let member = gateways[index].member else { continue }
            if !member.isReady {
                gateways[index].standsBy = "does not hear the broker"
            } else if !group.eligible.contains(member.name) {
                gateways[index].standsBy = "other routes than \(group.leader ?? "the others")"
            }
        }
    }

    /// What is wrong with the gateways and needs a person, in a sentence each.
    var complaints: [String] {
        var complaints = gateways.filter { $0.member == nil }.map {
            "\($0.name) is not a gateway: its node is not kept by a living one; delete it: linekeeper tree delete /gateways/\($0.name)"
        }
        let members = gateways.compactMap(\.member)
        for gateway in gateways {
            guard let member = gateway.member, let reason = gateway.standsBy else { continue }
            if member.isReady {
                complaints.append("\(gateway.name) stands by: \(reason); give all gateways the same routes")
            } else {
                let link = gateway.data["broker"]?.stringValue.map { " (\($0))" } ?? ""
                complaints.append("\(gateway.name) cannot take over: it \(reason)\(link); what it says: its log")
            }
        }
        if !members.isEmpty, !members.contains(where: \.isReady) {
            complaints.append("no gateway hears the broker; is it running, and may the gateways connect and subscribe?")
        }
        return complaints
    }

    /// Nodes that are nobody's parent.
    private static func leaves(of paths: [String]) -> Int {
        var parents: Set<Substring> = []
        for path in paths {
            if let slash = path.lastIndex(of: "/") { parents.insert(path[..<slash]) }
        }
        return paths.count { !parents.contains($0[...]) }
    }

    private static func children(_ path: String, _ client: ZooKeeperClient) async throws -> [String] {
        do { return try await client.getChildren(path) } catch let error as ZooKeeperError where error.code == .noNode {
            return []
        }
    }

    /// The owner's node among the candidates for a lock, and how many there are.
    private static func firstInQueue(
        _ path: String, _ client: ZooKeeperClient
    ) async throws -> (path: String, candidates: Int)? {
        let queue = try await children(path, client).compactMap { name -> (String, Int32)? in
            guard let dash = name.lastIndex(of: "-"), let number = Int32(name[name.index(after: dash)...]) else {
                return nil
            }
            return (name, number)
        }
        // The server's counter wraps around: what is smaller by difference came first.
        return queue.min { $0.1 &- $1.1 < 0 }.map { (path + "/" + $0.0, queue.count) }
    }

    /// The owner of each shard that has one.
    private static func lockOwners(_ client: ZooKeeperClient, _ walk: TreeWalk) async throws -> [String] {
        let paths = try await withThrowingTaskGroup(of: String?.self) { group in
            for shard in 0..<TreeLayout.shardCount {
                group.addTask { try await firstInQueue(TreeLayout.shard(shard), client)?.path }
            }
            return try await group.reduce(into: [String]()) { if let path = $1 { $0.append(path) } }
        }
        return try await walk.data(of: paths).compactMap { $0?.data.map { String(decoding: $0, as: UTF8.self) } }
    }

    // MARK: Output

    func text(servers: String, now: Milliseconds) -> String {
        var table = Table(
            columns: [
                TableColumn("GATEWAY"), TableColumn("ROLE"), TableColumn("SHARDS", .right), TableColumn("HOST"),
                TableColumn("PID", .right), TableColumn("VERSION"), TableColumn("STARTED"),
            ])
        for gateway in gateways {
            table.rows.append([
                TableCell(gateway.name, .bold),
                gateway.role,
                TableCell("\(gateway.shards)"), TableCell(gateway.data["host"]?.stringValue ?? ""),
                TableCell(gateway.data["pid"].map { "\($0)" } ?? ""),
                TableCell(gateway.data["version"]?.stringValue ?? ""),
                TableCell(gateway.data["started"]?.intValue.map { HumanText.age(of: $0, now: now) } ?? ""),
            ])
        }
        var lines = gateways.isEmpty ? ["no gateway runs; start one: linekeeper run"] : table.lines()
        lines.append("")
        lines.append(
            "alarms   \(processor.map { "processed by \(printable($0)), epoch \(processorEpoch ?? 0), \(standbys) standing by" } ?? Style.red.applied(to: "nobody processes them"))"
        )
        lines.append("         \(alarmCounts)")
        lines.append("shards   \(ownedShards) of \(TreeLayout.shardCount) owned")
        for complaint in complaints { lines.append("problem  \(Style.red.applied(to: printable(complaint)))") }
        lines.append(
            "plant    \(HumanText.count(Int64(tags))) tags; devices: \(deviceCounts); \(HumanText.count(Int64(journalEntries))) journal entries"
        )
        let trip = Double(roundTrip.components.attoseconds) / 1e15 + Double(roundTrip.components.seconds) * 1000
        lines.append(
            "tree     \(Style.green.applied(to: "answers")) at \(servers) in \(HumanText.number((trip * 100).rounded() / 100)) ms"
        )
        return lines.joined(separator: "\n") + "\n"
    }

    private static func counts<State: RawRepresentable<String>>(_ counts: [State: Int]) -> JSONValue {
        var members: OrderedDictionary<String, JSONValue> = [:]
        for (name, count) in counts.map({ ($0.key.rawValue, $0.value) }).sorted(by: { $0.0 < $1.0 }) {
            members[name] = .integer(Int64(count))
        }
        return .object(members)
    }

    private var alarmCounts: String {
        let shown = AlarmState.allCases.compactMap { state -> String? in
            guard let count = alarms[state], count > 0, state != .normal else { return nil }
            return "\(count) \(state.rawValue)"
        }
        return shown.isEmpty ? "none active" : shown.joined(separator: ", ")
    }

    private var deviceCounts: String {
        let shown = [DeviceState.online, .offline, .stale].compactMap { state in
            devices[state].map { "\($0) \(state.rawValue)" }
        }
        return shown.isEmpty ? "none" : shown.joined(separator: ", ")
    }

    func json(servers: String) -> [JSONValue] {
        var objects: [JSONValue] = gateways.map { gateway in
            var object = gateway.data.objectValue ?? [:]
            object["kind"] = "gateway"
            object["gateway"] = .string(gateway.name)
            object["shards"] = .integer(Int64(gateway.shards))
            object["alarmProcessor"] = .bool(gateway.isProcessor)
            object["counts"] = .bool(gateway.member != nil)
            object["standsBy"] = gateway.standsBy.map(JSONValue.string)
            return .object(object)
        }
        objects.append([
            "kind": "alarm-processor", "gateway": processor.map(JSONValue.string) ?? .null,
            "epoch": processorEpoch.map(JSONValue.integer) ?? .null, "standbys": .integer(Int64(standbys)),
        ])
        objects.append([
            "kind": "shards", "owned": .integer(Int64(ownedShards)), "of": .integer(Int64(TreeLayout.shardCount)),
        ])
        objects.append([
            "kind": "plant", "tags": .integer(Int64(tags)),
            "devices": Self.counts(devices), "alarms": Self.counts(alarms),
            "journalEntries": .integer(Int64(journalEntries)),
        ])
        objects.append([
            "kind": "tree", "servers": .string(servers), "reachable": true,
            "roundTripMicroseconds": .integer(roundTrip.components.attoseconds / 1_000_000_000_000),
        ])
        return objects
    }
}

extension PlantStatus.GatewayLine {
    fileprivate var role: TableCell {
        if member == nil { return TableCell("does not count", .red) }
        if isProcessor { return TableCell("alarm processor", .green) }
        return standsBy.map { TableCell("stands by: \($0)", .red) } ?? TableCell("standby")
    }
}

/// Whether the broker lets us in.
struct BrokerHealth: Sendable {
    var broker: String
    var problem: String?

    var isWell: Bool { problem == nil }

    /// nil when there is no configuration that would name a broker.
    static func probe(configuration: GatewayConfiguration?) async -> BrokerHealth? {
        guard let configuration else { return nil }
        let broker = configuration.mqtt.broker.description
        do {
            let settings = try configuration.mqtt.clientConfiguration(clientID: BrokerConnection.clientID("status"))
            try await BrokerConnection.run(settings, subscriptions: [], timeout: .seconds(3)) { _ in }
            return BrokerHealth(broker: broker)
        } catch let failure as CommandFailure {
            return BrokerHealth(broker: broker, problem: failure.message)
        } catch {
            return BrokerHealth(broker: broker, problem: "\(error)")
        }
    }

    var line: String {
        "broker   "
            + (problem.map { Style.red.applied(to: printable($0)) }
                ?? "\(Style.green.applied(to: "answers")) at \(broker)")
    }

    var json: JSONValue {
        [
            "kind": "broker", "broker": .string(broker), "reachable": .bool(isWell),
            "problem": problem.map(JSONValue.string) ?? .null,
        ]
    }
}
