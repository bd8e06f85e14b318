import Plant
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

@testable import PlantClient

@Suite("Asking, in the mailbox of the one who asks", .timeLimit(.minutes(2)))
struct RequestClientTests {
    private static let operation = AlarmOperation(
        .acknowledge, .alarm("hot", tag: "factory/line1/press1/temperature"))
    private static let mailbox = TreeLayout.requests + "/ada"

    private static func ask(_ plant: PlantClient, patience: Duration = .seconds(5)) async throws -> RequestAnswer {
        try await plant.ask(operation, by: "ada", at: 1, patience: patience)
    }

    /// The requests that stand in the mailbox.
    private static func all(_ tree: ZooKeeperClient) async throws -> [RequestPlace] {
        guard try await tree.exists(mailbox) != nil else { return [] }
        return try await tree.getChildren(mailbox).map { RequestPlace(.mailbox, principal: "ada", id: $0) }
    }

    /// The one request that stands there.
    private static func open(_ tree: ZooKeeperClient) async throws -> RequestPlace {
        try await eventuallyValue("the request") { try await all(tree).first }
    }

    private static func answer(_ place: RequestPlace, _ tree: ZooKeeperClient) async throws {
        let data = try await tree.getData(place.path).data ?? []
        let answer = RequestAnswer(.done, at: 2, gateway: "gw1")
        try await tree.setData(place.path, data: Request.answering(data, with: answer), version: 0)
    }

    @Test("an answer comes back, and the request is gone")
    func answered() async throws {
        try await withPlantTree("request-answered") { tree in
            async let answer = Self.ask(PlantClient(tree: tree))
            let place = try await Self.open(tree)
            let request = try Request(parsing: try await tree.getData(place.path).data ?? [], at: place)
            #expect(request.body == .alarm(Self.operation) && request.at == 1 && request.deadline == 5_001)
            try await Self.answer(place, tree)
            #expect(try await answer == RequestAnswer(.done, at: 2, gateway: "gw1"))
            #expect(try await Self.all(tree).isEmpty)
        }
    }

    @Test("a request that is deleted unanswered is a failure of its own")
    func discarded() async throws {
        try await withPlantTree("request-discarded") { tree in
            let answer = Task { try await Self.ask(PlantClient(tree: tree)) }
            try await tree.delete(try await Self.open(tree).path)
            await #expect(throws: PlantFailure.discarded) { try await answer.value }
        }
    }

    @Test("what nobody could answer is not asked")
    func impossible() async throws {
        try await withPlantTree("request-impossible") { tree in
            let plant = PlantClient(tree: tree)
            let long = String(repeating: "x", count: 2_000)
            var operation = Self.operation
            operation.comment = long
            for (operation, name) in [(operation, "ada"), (Self.operation, ""), (Self.operation, long)] {
                do {
                    _ = try await plant.ask(operation, by: name, at: 1)
                    Issue.record("asked")
                } catch let failure as PlantFailure {
                    guard case .impossible = failure else { throw failure }
                }
            }
            #expect(try await tree.getChildren(TreeLayout.requests) == [TreeLayout.mqttMailbox])
        }
    }

    @Test("without an answer in time the request is withdrawn, and the failure says whether a gateway processes alarms")
    func timedOut() async throws {
        try await withPlantTree("request-timed-out") { tree in
            func failure() async throws -> PlantFailure? {
                let fake = FakeClock()
                let plant = PlantClient(tree: tree, clock: WaitingClock(fake))
                async let answer = Self.ask(plant)
                _ = try await Self.open(tree)
                try await eventually("it waits") { fake.sleeperCount == 1 }
                fake.advance(by: .milliseconds(4_999))
                #expect(try await Self.all(tree).count == 1)
                fake.advance(by: .milliseconds(1))
                do {
                    _ = try await answer
                    return nil
                } catch let failure as PlantFailure {
                    #expect(try await Self.all(tree).isEmpty)
                    return failure
                }
            }
            let nobody = try #require(try await failure())
            #expect(nobody == .noAlarmProcessor(waited: .seconds(5)) && nobody.kind == .refused)
            #expect("\(nobody)".contains("no answer within 5s"), "\(nobody)")
            // The first in the queue is the active one, whatever the order of the names.
            try await tree.put("/alarm-processor/b-lock-0000000001", "gw1")
            try await tree.put("/alarm-processor/a-lock-0000000002", "gw2")
            #expect(try await failure() == .unanswered(by: "gw1", waited: .seconds(5)))
        }
    }

    @Test("an answer that comes while the request is being withdrawn counts")
    func answeredAtTheLastMoment() async throws {
        try await withPlantTree("request-last-moment") { tree in
            // Given a request that has been read without an answer when its time is over, and an answer that comes then,
            let fake = FakeClock()
            let requests = RequestClient(client: tree, clock: WaitingClock(fake))
            let request = Request(id: "r", by: "ada", at: 1, .alarm(Self.operation))
            let place = RequestPlace(.mailbox, principal: "ada", id: "r")
            try await tree.ensurePath(Self.mailbox)
            _ = try await tree.create(place.path, data: request.serialized())
            let version = try await tree.getData(place.path).stat.version
            try await Self.answer(place, tree)
            // then it is not withdrawn, and the answer is what the requester gets.
            #expect(try await !requests.withdraw(place.path, version: version))
            let outcome = try await requests.ask(request, patience: .zero)
            #expect(outcome == .answered(RequestAnswer(.done, at: 2, gateway: "gw1")))
            #expect(try await tree.exists(place.path) == nil)
        }
    }

    @Test("answer and end of patience at the same moment: the answer")
    func race() async throws {
        try await withPlantTree("request-race") { tree in
            let fake = FakeClock()
            async let answer = Self.ask(PlantClient(tree: tree, clock: WaitingClock(fake)))
            let path = try await Self.open(tree)
            try await eventually("it waits") { fake.sleeperCount == 1 }
            try await Self.answer(path, tree)
            fake.advance(by: .seconds(5))
            #expect(try await answer.result == .done)
            #expect(try await Self.all(tree).isEmpty)
        }
    }

    @Test("where no gateway has ever run there is no one to ask")
    func unused() async throws {
        try await withClient(port: TestTree.port(.embedded), chroot: TestTree.uniquePath("request-unused")) { tree in
            await #expect(throws: PlantFailure.unused) { try await Self.ask(PlantClient(tree: tree)) }
        }
    }
}
