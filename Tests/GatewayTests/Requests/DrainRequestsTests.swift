import JSON
import MQTT
import OrderedCollections
import Plant
import PlantClient
import Synchronization
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

@testable import Gateway

@Suite("Requests to drain: answered by the gateway that is named", .timeLimit(.minutes(2)))
struct DrainRequestsTests {
    /// A gateway that is nothing but what is asked of it.
    private final class TestGateway: Sendable {
        /// What it was told, and whether the name is its own.
        private final class Switches: Sendable {
            private let state = Mutex((isDraining: false, holdsName: true, isStopping: false, losesReplies: false))

            var isDraining: Bool { state.withLock { $0.isDraining } }
            var holdsName: Bool { state.withLock { $0.holdsName } }
            var isStopping: Bool { state.withLock { $0.isStopping } }
            var losesReplies: Bool { state.withLock { $0.losesReplies } }
            func setStopping() { state.withLock { $0.isStopping = true } }
            func loseReplies() { state.withLock { $0.losesReplies = true } }
            func setDraining(_ isDraining: Bool) { state.withLock { $0.isDraining = isDraining } }
            func setHoldsName(_ holdsName: Bool) { state.withLock { $0.holdsName = holdsName } }
        }

        private let switches = Switches()
        let mailboxes: Mailboxes
        let door: RequestDoor
        let broker = ScriptedBroker()
        private let announcer: CommandAnnouncer
        private let requests: DrainRequests

        var isDraining: Bool { switches.isDraining }
        func setHoldsName(_ holdsName: Bool) { switches.setHoldsName(holdsName) }
        func setStopping() { switches.setStopping() }
        /// Transactions are committed, and by the time that the connection is back the requester has deleted its request.
        func loseReplies() { switches.loseReplies() }

        init(_ name: String, _ bed: TreeBed, client: ZooKeeperClient) {
            let health = FailureBoard(clock: .system, logger: bed.logger)
            let outsiders = OutsiderLog(bed.logger, clock: .system)
            announcer = CommandAnnouncer(
                publisher: broker, topics: CommandTopics(plant: "test"), health: health, clock: .system)
            let replies = RequestReplies(
                announcer: announcer, plant: "test", allowed: ReplyTopics(prefix: nil), outsiders: outsiders,
                clock: .system)
            let turns = Wake()
            mailboxes = Mailboxes(
                client: client, gateway: name, replies: replies, alarms: Wake(), commands: Wake(), own: turns,
                health: health, clock: .system, logger: bed.logger)
            requests = DrainRequests(
                client: client, gateway: name, mailboxes: mailboxes,
                hands: .init(
                    holdsName: { [switches] in switches.holdsName },
                    isDraining: { [switches] in switches.isDraining },
                    isStopping: { [switches] in switches.isStopping },
                    leave: { [switches] in switches.setDraining(true) },
                    stay: { [switches] in switches.setDraining(false) },
                    transact: { [switches] operations in
                        _ = try await client.transaction(operations)
                        guard switches.losesReplies else { return }
                        try await eventually("the request is deleted") {
                            try await bed.operatorClient.getChildren(TreeLayout.requests + "/ann").isEmpty
                        }
                        throw ZooKeeperError(code: .connectionLoss)
                    }),
                turns: turns, clock: .system, outsiders: outsiders)
            door = RequestDoor(
                client: client, gateway: name, mailboxes: mailboxes, replies: replies,
                hands: .init(isResponsible: { $0 == .gateway(name) }, tellAgain: { _ in }), limits: .init(),
                clock: .system, outsiders: outsiders)
        }

        func run(in group: inout ThrowingTaskGroup<Void, any Error>) {
            group.addTask { try await self.mailboxes.run() }
            group.addTask { try await self.requests.run() }
            group.addTask { try await self.door.run() }
            group.addTask { await self.announcer.run() }
        }
    }

    private static func register(_ name: String, _ client: ZooKeeperClient) async throws {
        let record = GatewayRecord(
            identity: GatewayIdentity(gateway: name, host: "h", pid: 1, version: "1", started: 1), isReady: true,
            isSettled: true, routesDigest: "r")
        try await client.create(TreeLayout.gateway(name), data: record.serialized(), mode: .ephemeral)
    }

    private static func journal(_ client: ZooKeeperClient) async throws -> [JournalEntry] {
        var entries: [JournalEntry] = []
        for name in try await client.getChildren(TreeLayout.journal).sorted() {
            entries.append(
                try JournalEntry(parsing: try await client.getData(TreeLayout.journal + "/" + name).data ?? []))
        }
        return entries
    }

    @Test("the gateway that is named answers, drains, and writes into the journal who asked; the others do not")
    func asked() async throws {
        try await TreeBed.with { bed, group in
            var gateways: [String: TestGateway] = [:]
            for name in ["g1", "g2"] {
                let client = try await bed.client(in: &group)
                try await Self.register(name, client)
                let gateway = TestGateway(name, bed, client: client)
                gateway.run(in: &group)
                gateways[name] = gateway
            }
            let plant = PlantClient(tree: bed.operatorClient)
            let order = DrainOrder(gateway: "g2", comment: "new disk")
            let answer = try await plant.ask(order, by: "ann", at: WallClock.now(), patience: .seconds(20))
            #expect(answer.result == .done && answer.gateway == "g2")
            try await eventually("it drains") { gateways["g2"]?.isDraining == true }
            #expect(gateways["g1"]?.isDraining == false)
            let undo = DrainOrder(gateway: "g2", undo: true)
            let second = try await plant.ask(undo, by: "bob", at: WallClock.now(), patience: .seconds(20))
            #expect(second.result == .done)
            try await eventually("it stays") { gateways["g2"]?.isDraining == false }
            let entries = try await Self.journal(bed.operatorClient)
            #expect(entries.map(\.transition) == ["DRAIN", "UNDRAIN"] && entries.allSatisfy { $0.gateway == "g2" })
            #expect(entries.first?.by == Principal("ann", established: .mailbox))
            #expect(entries.first?.details["comment"] == "new disk" && entries.allSatisfy { $0.kind == .operator })
        }
    }

    @Test("what was answered is carried out, also when the reply is lost and the requester has deleted its request")
    func lostReply() async throws {
        try await TreeBed.with { bed, group in
            let client = try await bed.client(in: &group)
            try await Self.register("g1", client)
            let gateway = TestGateway("g1", bed, client: client)
            gateway.loseReplies()
            gateway.run(in: &group)
            let plant = PlantClient(tree: bed.operatorClient)
            let answer = try await plant.ask(
                DrainOrder(gateway: "g1"), by: "ann", at: WallClock.now(), patience: .seconds(20))
            #expect(answer.result == .done)
            try await eventually("it drains") { gateway.isDraining }
            #expect(try await Self.journal(bed.operatorClient).map(\.transition) == ["DRAIN"])
        }
    }

    @Test("an order that changes nothing is done without a journal entry; one that is being stopped refuses to stay")
    func withoutChange() async throws {
        try await TreeBed.with { bed, group in
            let client = try await bed.client(in: &group)
            try await Self.register("g1", client)
            let gateway = TestGateway("g1", bed, client: client)
            gateway.run(in: &group)
            let plant = PlantClient(tree: bed.operatorClient)
            func ask(undo: Bool) async throws -> RequestAnswer {
                try await plant.ask(
                    DrainOrder(gateway: "g1", undo: undo), by: "ann", at: WallClock.now(), patience: .seconds(20))
            }
            #expect(try await ask(undo: true).result == .done)
            for _ in 1...2 { #expect(try await ask(undo: false).result == .done) }
            try await eventually("it drains") { gateway.isDraining }
            gateway.setStopping()
            let answer = try await ask(undo: true)
            #expect(answer.result == .refused && answer.reason == "it is being stopped", "\(answer)")
            #expect(gateway.isDraining)
            #expect(try await Self.journal(bed.operatorClient).map(\.transition) == ["DRAIN"])
        }
    }

    @Test("over MQTT the same, with the answer where it is wanted, and again for who asks again")
    func overMQTT() async throws {
        try await TreeBed.with { bed, group in
            let client = try await bed.client(in: &group)
            let gateway = TestGateway("g1", bed, client: client)
            gateway.run(in: &group)
            let topic = RequestTopics(plant: "test").answer(to: "hmi", id: "r1")
            for count in 1...2 {
                let text = #"{"id":"r1","kind":"drain","body":{"gateway":"g1"}}"#
                gateway.door.offer(topicOf: "hmi", payload: Array(text.utf8), properties: nil)
                let messages = try await eventuallyValue("answer \(count)") {
                    let messages = gateway.broker.messages(on: topic)
                    return messages.count == count ? messages : nil
                }
                let answer = try JSONValue(parsing: messages[count - 1].payload)
                #expect(answer["kind"] == "drain" && answer["answer"]?["result"] == "done", "\(answer)")
            }
            try await eventually("it drains") { gateway.isDraining }
            let entries = try await Self.journal(bed.operatorClient)
            #expect(entries.map(\.transition) == ["DRAIN"])
            #expect(entries.first?.by == Principal("hmi", established: .topic))
        }
    }

    @Test("a process that does not hold the name does not answer, and a request whose time is over is refused")
    func expired() async throws {
        try await TreeBed.with { bed, group in
            let client = try await bed.client(in: &group)
            let gateway = TestGateway("g1", bed, client: client)
            gateway.setHoldsName(false)
            gateway.run(in: &group)
            let place = RequestPlace(.mailbox, principal: "ann", id: "r1")
            try await bed.operatorClient.ensurePath(place.mailbox)
            let now = WallClock.now()
            let request = Request(id: "r1", by: "ann", at: now, deadline: now + 50, .drain(.init(gateway: "g1")))
            _ = try await bed.operatorClient.create(place.path, data: request.serialized())
            try await eventually("it is seen") { gateway.mailboxes.count(of: "ann") == 1 }
            try await Task.sleep(for: .milliseconds(100))
            gateway.setHoldsName(true)
            let answer = try await eventuallyValue("the answer") {
                try Request(parsing: try await bed.operatorClient.getData(place.path).data ?? [], at: place).answer
            }
            #expect(answer.result == .refused && answer.reason?.contains("time was over") == true, "\(answer)")
            #expect(!gateway.isDraining)
            #expect(try await Self.journal(bed.operatorClient).isEmpty)
        }
    }

    @Test(
        "a gateway that is not registered is not asked; one that does not answer is waited for, and the wish withdrawn")
    func unknown() async throws {
        try await TreeBed.with { bed, group in
            let plant = PlantClient(tree: bed.operatorClient)
            func ask(_ name: String) async throws {
                _ = try await plant.ask(
                    DrainOrder(gateway: name), by: "ann", at: WallClock.now(), patience: .milliseconds(200))
            }
            await #expect(throws: PlantFailure.notRegistered(gateway: "g9", registered: [])) { try await ask("g9") }
            try await Self.register("g1", bed.operatorClient)
            await #expect(throws: PlantFailure.notRegistered(gateway: "g9", registered: ["g1"])) { try await ask("g9") }
            await #expect(throws: PlantFailure.silentGateway("g1", waited: .milliseconds(200))) { try await ask("g1") }
            #expect(try await bed.operatorClient.getChildren(TreeLayout.requests + "/ann").isEmpty)
        }
    }
}
