import Foundation
import JSON
import Logging
import MQTT
import Plant
import PlantClient
import PlantConfiguration
import Synchronization
import TestFixtures
import ZooKeeperClient
import ZooKeeperRecipes

@testable import Gateway
@testable import MQTT

/// A tree of its own, and the alarm services of gateways at it, each with a scripted broker.
final class AlarmTestBed: Sendable {
    let tree: TreeBed

    private init(_ tree: TreeBed) { self.tree = tree }

    /// Runs `body` beside a tree server; everything is gone afterwards.
    static func with(
        _ body: @Sendable (AlarmTestBed, inout ThrowingTaskGroup<Void, any Error>) async throws -> Void
    ) async throws {
        try await TreeBed.with { tree, group in try await body(AlarmTestBed(tree), &group) }
    }

    static let plantFile = """
        routes:
          - name: machines
            topic: factory/{line}/{machine}/{metric}
            device: factory/{line}/{machine}
            payload: json
            value: /v
            time: /ts
            staleAfter: 600s
        alarms:
          - name: hot
            tags: factory/+/+/temperature
            high: { limit: 85, priority: high }
            deadband: 2

        """

    /// The alarm of the machine that the tests speak of.
    static func alarm(_ machine: String) throws -> AlarmPath {
        AlarmPath(tag: try TagPath("factory/line1/\(machine)/temperature"), alarm: "hot")
    }

    /// An entry of that alarm as a gateway records it, which these channels owe.
    static func entry(_ revision: Int64, owedBy channels: [Channel] = [.mqtt]) throws -> JournalEntry {
        let record = AlarmRecord(
            path: try alarm("press1"), lifeCycle: .init(condition: .high, isAcknowledged: false), priority: .high,
            eventID: "e\(revision)", occurrence: revision, value: 90, limit: 85, since: 1, epoch: 1,
            changedAt: revision, sampledAt: revision, revision: revision)
        return JournalEntry(
            kind: .alarm, at: revision, gateway: "g", epoch: 1, transition: "ACT",
            deliveries: Deliveries(owedBy: channels), record: record.json)
    }

    /// One gateway, as far as alarms are concerned.
    final class TestGateway: Sendable {
        let client: ZooKeeperClient
        let plant: PlantState
        let health: FailureBoard
        let board: AnnouncementBoard
        let journal: Journal
        let known = KnownRecords()
        let election: LeaderElection
        let processor: AlarmProcessor
        let mailboxes: Mailboxes
        let retained: RetainedRecords
        let broker: ScriptedBroker
        /// The listening connection.
        let session = ScriptedBroker()
        let counters = GatewayCounters()
        let wakes: ServiceWakes
        let gate: AcknowledgementGate
        /// Through which batches the broker may forget.
        let released = Collected<UInt64>()
        private let batches = Mutex<UInt64>(0)
        private let announcer: Announcer
        private let answers: CommandAnnouncer
        private let marker: DeliveryMarker
        private let returns: Returns

        fileprivate init(
            _ name: String, _ client: ZooKeeperClient, _ configuration: GatewayConfiguration, broker: ScriptedBroker,
            channels: [any DeliveryChannel], limits: Announcements.Limits, marks: Wake, clock: GatewayClock,
            logger: Logger
        ) throws {
            self.client = client
            self.broker = broker
            plant = try PlantState(
                configuration.plant, limits: configuration.local.limits, answerFilters: [], echoTopic: "",
                clock: clock, logger: logger)
            health = FailureBoard(clock: clock, logger: logger)
            board = AnnouncementBoard(limits: limits, marks: marks, clock: clock)
            let deliveries = DeliveryBoard(channels: [board] + channels, marks: marks)
            wakes = ServiceWakes(deliveries: deliveries.wakes)
            journal = Journal(
                client: client, known: known, board: deliveries, health: health, clock: clock, logger: logger,
                recorded: { [plant, wakes, name] record, gateway in
                    plant.transitionRecorded(record, isOurs: gateway == name)
                    wakes.alarms.wake()
                }, forgotten: { [plant] in plant.forget($0) })
            election = LeaderElection(
                client: client, path: TreeLayout.alarmProcessor, identity: Array(name.utf8), logger: logger)
            let term = Wake()
            let outsiders = OutsiderLog(logger, clock: clock)
            let answers = CommandAnnouncer(
                publisher: broker, topics: CommandTopics(plant: "test"), health: health, clock: clock)
            self.answers = answers
            mailboxes = Mailboxes(
                client: client, gateway: name,
                replies: RequestReplies(
                    announcer: answers, plant: "test", allowed: ReplyTopics(), outsiders: outsiders, clock: clock),
                alarms: wakes.alarms, commands: Wake(), health: health, clock: clock, logger: logger)
            gate = AcknowledgementGate { [released] in released.append($0) }
            processor = AlarmProcessor(
                client: client, election: election, gateway: name, plant: plant,
                definitions: configuration.plant.alarms,
                journal: journal, known: known, board: board, mailboxes: mailboxes, gate: gate,
                turns: wakes.alarms, counters: counters, health: health, clock: clock, logger: logger, term: term)
            let topics = AlarmTopics(plant: "test")
            announcer = Announcer(
                board: board, publisher: broker, topics: topics,
                lease: { [processor] in processor.announcingLease }, health: health, clock: clock, logger: logger)
            marker = DeliveryMarker(
                client: client, board: deliveries, lease: { [processor] in processor.announcingLease },
                writing: { [journal] in try await journal.writing($0) }, counters: counters, health: health,
                clock: clock, logger: logger)
            retained = RetainedRecords(
                client: client, broker: broker, board: board, known: known, topics: topics, gateway: name,
                session: { [session] in session.connectionUpdates() }, turns: wakes.retained,
                term: { [processor] in processor.lease?.token },
                lease: { [processor] in processor.announcingLease }, health: health, clock: clock, logger: logger)
            returns = Returns(
                wakes: wakes, tree: { client.stateUpdates() },
                broker: [{ [session] in session.connectionUpdates() }, { broker.connectionUpdates() }], term: term,
                shards: Wake())
            broker.onMessage { [retained] topic, payload, isRetained in
                _ = retained.heard(topic: Array(topic.utf8), payload: payload, isRetained: isRetained)
            }
        }

        /// Every service in a task of its own; they end with `group`.
        fileprivate func run(in group: inout ThrowingTaskGroup<Void, any Error>) async throws {
            try await journal.prime()
            group.addTask { try await self.journal.run() }
            group.addTask { try await self.election.run() }
            group.addTask { try await self.processor.run() }
            group.addTask { try await self.announcer.run() }
            group.addTask { try await self.mailboxes.run() }
            group.addTask { await self.answers.run() }
            group.addTask { try await self.marker.run() }
            group.addTask { try await self.retained.run() }
            group.addTask { try await self.returns.run() }
        }

        /// A machine says how hot it is.
        func hear(_ machine: String, _ value: Double, at time: Int64 = WallClock.now()) {
            var batch = BatchBuilder(reservingMessages: 1, bytes: 64)
            let topic = Array("factory/line1/\(machine)/temperature".utf8)
            let payload = Array(#"{"v":\#(value),"ts":\#(time)}"#.utf8)
            topic.withUnsafeBytes { topic in
                payload.withUnsafeBytes { payload in
                    _ = batch.append(
                        topic: topic, payload: payload, qos: .atLeastOnce, retain: false, properties: nil,
                        receivedAtMs: WallClock.now())
                }
            }
            batch.number = batches.withLock { number in
                number += 1
                return number
            }
            _ = plant.take(batch.finish())
            wakes.alarms.wake()
        }

        /// `ACT press1 1`: transitions whose events the broker has taken, each with the alarm's revision.
        var events: [String] {
            broker.messages(on: "linekeeper/test/alarm-events").compactMap { message in
                guard let json = try? JSONValue(parsing: message.payload) else { return nil }
                let machine = json["tag"]?.stringValue?.split(separator: "/").dropFirst(2).first ?? "?"
                return "\(json["transition"]?.stringValue ?? "?") \(machine) \(json["revision"]?.intValue ?? -1)"
            }
        }

        /// The revision of the record that the broker retains.
        func retainedRevision(_ machine: String) -> Int64? {
            broker.retained["linekeeper/test/alarms/factory/line1/\(machine)/temperature/hot"]
                .flatMap { try? AlarmRecord(parsing: $0) }?.revision
        }

        func number(_ name: String) -> UInt64? { board.numbers.first { $0.name == name }?.value }
    }

    /// Starts a gateway in `group`. `port`: of a proxy before the tree. `channels`: beside MQTT; they wake `marks`.
    func gateway(
        _ name: String, in group: inout ThrowingTaskGroup<Void, any Error>, broker: ScriptedBroker = ScriptedBroker(),
        port: Int? = nil, channels: [any DeliveryChannel] = [], limits: Announcements.Limits = .init(),
        marks: Wake = Wake(), clock: GatewayClock = .system, logger: Logger? = nil, staleAfter: String = "600s"
    ) async throws -> TestGateway {
        let fixture = try ConfigurationFixture([
            "linekeeper.yaml": soundHead + Self.plantFile.replacingOccurrences(of: "600s", with: staleAfter)
        ])
        let gateway = try TestGateway(
            name, try await tree.client(in: &group, port: port), try fixture.load(), broker: broker,
            channels: channels, limits: limits, marks: marks, clock: clock, logger: logger ?? tree.logger)
        try await gateway.run(in: &group)
        return gateway
    }

    /// Asks the alarm processor as a person at the plant does.
    func ask(
        _ operation: AlarmOperation, by name: String, patience: Duration = .seconds(10)
    ) async throws -> RequestAnswer {
        try await PlantClient(tree: tree.operatorClient).ask(
            operation, by: name, at: WallClock.now(), patience: patience)
    }

    /// Alarm entries of the journal in order, as `ACT press1 1`: transition, machine, revision.
    func journal() async throws -> [String] {
        try await entries().compactMap { entry in
            guard let record = try entry.alarmTransition()?.record ?? entry.alarmRecord() else { return nil }
            return "\(entry.transition ?? "?") \(record.path.tag.text.split(separator: "/")[2]) \(record.revision)"
        }
    }

    func entries() async throws -> [JournalEntry] {
        let names = try await tree.operatorClient.getChildren(TreeLayout.journal).sorted()
        let nodes = try await TreeWalk(client: tree.operatorClient).data(
            of: names.map { TreeLayout.journal + "/" + $0 })
        return try nodes.compactMap { node in try node.map { try JournalEntry(parsing: $0.data ?? []) } }
    }

    /// `announced` of the alarm entries in order: `true`, `false`, or why it was given up.
    func announced() async throws -> [String] {
        try await entries().filter { $0.kind == .alarm && $0.transition != JournalEntry.restored }.map { entry in
            entry.json["announcement"]?.stringValue ?? entry.json["announced"]?.boolValue.map { "\($0)" } ?? "-"
        }
    }

    /// How far a channel has come with the alarm entries in order: `owed`, `delivered`, why it was given up, or `-`.
    func deliveries(by channel: Channel) async throws -> [String] {
        try await entries().filter { $0.kind == .alarm }.map { entry in
            switch entry.deliveries[channel] {
            case nil: "-"
            case .owed: "owed"
            case .delivered: "delivered"
            case .givenUp(let why): why.rawValue
            }
        }
    }

    func record(_ machine: String) async throws -> AlarmRecord {
        let path = AlarmStore.nodePath(of: try Self.alarm(machine))
        return try AlarmRecord(parsing: try await tree.operatorClient.getData(path).data ?? [])
    }
}
