import JSON
import Logging
import MQTT
import OrderedCollections
import Plant
import PlantClient
import ServiceLifecycle
import SparkplugB
import Synchronization
import TestFixtures
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

@testable import Gateway

/// A tree of its own, an operator at it, and gateways' command services that own what the test lets them own.
final class CommandTestBed: Sendable {
    let tree: TreeBed
    let commands: CommandClient
    /// People at the plant.
    let plant: PlantClient

    var operatorClient: ZooKeeperClient { tree.operatorClient }
    var logger: Logger { tree.logger }

    private init(_ tree: TreeBed) {
        self.tree = tree
        commands = CommandClient(client: tree.operatorClient)
        plant = PlantClient(tree: tree.operatorClient)
    }

    static let press = path("factory/line1/press1")
    static let pump = path("factory/line1/pump")

    static func path(_ text: String) -> TagPath {
        do { return try TagPath(text) } catch { fatalError("\(text): \(error)") }
    }

    /// Of all commands, in milliseconds: longer than a starved machine takes for anything that is not about time.
    static let timeout: Milliseconds = 15_000

    static let definitions: [CommandDefinition] = {
        func definition(_ name: String, _ execution: CommandExecution, interlock: String? = nil) -> CommandDefinition {
            do {
                return try CommandDefinition(
                    name: name, devices: CommandDevices("factory/+/+"), topic: DeviceTemplate("{device}/cmd/\(name)"),
                    parameters: [CommandParameter(name: "rpm", kind: .number, maximum: 1800, defaultValue: 100)],
                    execution: execution, timeout: timeout,
                    answer: CommandAnswerRule(
                        topic: DeviceTemplate("{device}/ack"), id: .place(JSONPointer("/id")),
                        succeeded: [.init(pointer: JSONPointer("/status"), value: "ok")]),
                    interlock: interlock.map { try Interlock($0) })
            } catch {
                fatalError("\(name): \(error)")
            }
        }
        return deviceForms + [
            definition("setSpeed", .idempotent), definition("start", .atMostOnce),
            definition("guarded", .atMostOnce, interlock: "{device}/guard == true"),
        ]
    }()

    /// Commands in a device's own form.
    private static let deviceForms: [CommandDefinition] = {
        do {
            let devices = try CommandDevices("factory/+/+")
            let rpm = CommandParameter(name: "rpm", kind: .number)
            return [
                try CommandDefinition(
                    name: "shown", devices: devices, topic: DeviceTemplate("{device}/cmd/shown"), parameters: [rpm],
                    payload: .text(CommandText("{rpm}")), execution: .atMostOnce, timeout: timeout,
                    verification: CommandVerification(tag: DeviceTemplate("{device}/rpm"), wanted: .parameter("rpm"))),
                try CommandDefinition(
                    name: "correlated", devices: devices, topic: DeviceTemplate("{device}/cmd/correlated"),
                    parameters: [rpm], payload: .json(CommandJSON(["rpm": "{rpm}"])), execution: .idempotent,
                    timeout: timeout,
                    answer: CommandAnswerRule(
                        topic: DeviceTemplate("{device}/ack"), id: .correlation,
                        succeeded: [.init(pointer: JSONPointer("/result"), exists: true)])),
                try CommandDefinition(
                    name: "written", devices: CommandDevices("factory/{edge}/{unit}"),
                    topic: DeviceTemplate("spBv1.0/factory/DCMD/{edge}/{unit}"), parameters: [rpm],
                    payload: .metric(CommandMetric(name: DeviceTemplate("Speed"), value: .parameter("rpm"))),
                    execution: .idempotent, timeout: timeout, verification: CommandVerification(.echo)),
                try CommandDefinition(
                    name: "nothing", devices: devices, topic: DeviceTemplate("{device}/cmd/nothing"),
                    parameters: [rpm], payload: .nothing, execution: .idempotent, timeout: timeout),
            ]
        } catch {
            fatalError("\(error)")
        }
    }()

    static func request(_ id: String, _ command: String, device: TagPath = press, timeout: Milliseconds? = nil)
        -> CommandRecord
    {
        CommandRecord(
            id: id, device: device, command: command, parameters: ["rpm": 700], by: Principal(claimed: "ada"),
            requestedAt: WallClock.now(),
            timeout: timeout)
    }

    /// Runs `body` beside a tree server; everything is gone afterwards.
    static func with(_ body: @Sendable (CommandTestBed) async throws -> Void) async throws {
        try await TreeBed.with { tree in try await body(CommandTestBed(tree)) }
    }

    /// A gateway: a session, a command service, and the shards that it has been given.
    final class TestGateway: Sendable {
        let service: CommandService
        let mailboxes: Mailboxes
        let door: RequestDoor
        let broker: ScriptedBroker
        let client: ZooKeeperClient
        let health: FailureBoard
        private let bed: CommandTestBed

        fileprivate init(
            service: CommandService, mailboxes: Mailboxes, door: RequestDoor, broker: ScriptedBroker,
            client: ZooKeeperClient, health: FailureBoard,
            bed: CommandTestBed
        ) {
            self.service = service
            self.mailboxes = mailboxes
            self.door = door
            self.health = health
            self.broker = broker
            self.client = client
            self.bed = bed
        }

        /// Stands for the shard of a device; in the queue when somebody has it.
        func stand(_ device: TagPath, in group: inout ThrowingTaskGroup<Void, any Error>) async throws -> LeaderElection
        {
            let parent = TreeLayout.shard(ShardMap.shard(of: device))
            let before = (try? await bed.operatorClient.getChildren(parent).count) ?? 0
            let election = LeaderElection(client: client, path: parent, identity: Array("g".utf8), logger: bed.logger)
            group.addTask { try await election.run() }
            try await eventually("a candidate for \(parent)") {
                try await bed.operatorClient.getChildren(parent).count > before
            }
            return election
        }

        /// Returns once the shard of the device is this gateway's, and says so to the service.
        func own(_ device: TagPath, by election: LeaderElection) async throws -> Lease {
            let lease = try await eventuallyValue("the shard of \(device)") { election.lease }
            service.shardGained(ShardMap.shard(of: device), lease: lease)
            return lease
        }

        /// Stands for the shard of a device and returns once it owns it.
        func own(_ device: TagPath, in group: inout ThrowingTaskGroup<Void, any Error>) async throws -> Lease {
            try await own(device, by: try await stand(device, in: &group))
        }

        /// All that answer requests.
        var services: [any Service] { [mailboxes, door, service] }

        /// A message on the topic of earlier versions.
        func offerRequest(payload: [UInt8], properties: MQTTProperties?) {
            door.offer(topicOf: nil, payload: payload, properties: properties)
        }

        /// A device says something.
        func answer(_ id: String, _ status: String = "ok", device: TagPath = press) {
            service.offer(
                topic: Array("\(device)/ack".utf8), payload: Array(#"{"id":"\#(id)","status":"\#(status)"}"#.utf8))
        }

        func published(_ command: String, device: TagPath = press) -> [ScriptedBroker.Message] {
            broker.messages(on: "\(device)/cmd/\(command)")
        }

        /// The states that were announced for a command.
        func announced(_ id: String) -> [String] {
            broker.messages(on: "linekeeper/test/commands/\(id)").compactMap { message in
                (try? JSONValue(parsing: message.payload))?["state"]?.stringValue
            }
        }
    }

    /// Starts a gateway in `group`. `healthClock`: by which failures last.
    func gateway(
        _ name: String, in group: inout ThrowingTaskGroup<Void, any Error>, broker: ScriptedBroker = ScriptedBroker(),
        isRunning: Bool = true, clock: GatewayClock = .system, healthClock: FakeClock? = nil, logger: Logger? = nil,
        reading: @escaping @Sendable (TagPath) -> Interlock.Reading? = { _ in nil },
        metric: @escaping @Sendable (MetricAddress) -> KnownMetric = { _ in .unborn }
    ) async throws -> TestGateway {
        let client = try await tree.client(in: &group)
        let logger = logger ?? self.logger
        let health = FailureBoard(clock: healthClock.map(GatewayClock.init) ?? clock, logger: self.logger)
        let announcer = CommandAnnouncer(
            publisher: broker, topics: CommandTopics(plant: "test"), health: health, clock: clock)
        let outsiders = OutsiderLog(logger, clock: clock)
        let replies = RequestReplies(
            announcer: announcer, plant: "test", allowed: ReplyTopics(prefix: "hmi/", commands: Self.definitions),
            outsiders: outsiders, clock: clock)
        let requestTurns = Wake()
        let mailboxes = Mailboxes(
            client: client, gateway: name, replies: replies, alarms: Wake(), commands: requestTurns, health: health,
            clock: clock, logger: logger)
        let service = CommandService(
            client: client, publisher: broker,
            configuration: .init(plant: "test", gateway: name, definitions: Self.definitions), announcer: announcer,
            mailboxes: mailboxes, requestTurns: requestTurns, reading: reading, metric: metric, health: health,
            clock: clock, logger: logger)
        let door = RequestDoor(
            client: client, gateway: name, mailboxes: mailboxes, replies: replies,
            hands: .init(
                isResponsible: { responsible in
                    guard case .shardOwner(let shard) = responsible else { return false }
                    return service.owns(shard: shard)
                }, tellAgain: { await service.tellAgain($0) }), limits: .init(), clock: clock, outsiders: outsiders)
        let gateway = TestGateway(
            service: service, mailboxes: mailboxes, door: door, broker: broker, client: client, health: health,
            bed: self)
        if isRunning { for service in gateway.services { group.addTask { try await service.run() } } }
        return gateway
    }

    /// Puts a command where requesters of earlier versions put it.
    func submit(_ record: CommandRecord) async throws {
        try await operatorClient.create(CommandService.path(of: record.id), data: record.serialized())
    }

    /// Starts a gateway that owns the shard of a device and has lost its broker: commands wait there.
    func startOwnerWithoutBroker(
        of device: TagPath, in group: inout ThrowingTaskGroup<Void, any Error>
    ) async throws -> TestGateway {
        let gateway = try await gateway("g1", in: &group)
        _ = try await gateway.own(device, in: &group)
        gateway.broker.setConnected(false)
        try await eventually("the outage is noticed") { gateway.service.state.withLock { !$0.desk.isUnderway } }
        return gateway
    }

    func record(_ id: String) async throws -> CommandRecord? { try await commands.show(id) }

    func finish(_ id: String, within limit: Duration = .seconds(30)) async throws -> CommandRecord {
        try await commands.wait(id, until: .now + limit)
    }

    /// Transitions of one command in the journal, in order.
    func journal(_ id: String) async throws -> [String] {
        var transitions: [String] = []
        for name in try await operatorClient.getChildren(TreeLayout.journal).sorted() {
            let data = try await operatorClient.getData(TreeLayout.journal + "/" + name).data ?? []
            let entry = try JSONValue(parsing: data)
            if entry["id"]?.stringValue == id { transitions.append(entry["transition"]?.stringValue ?? "?") }
        }
        return transitions
    }
}
