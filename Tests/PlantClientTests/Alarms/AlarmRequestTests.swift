import Plant
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

@testable import PlantClient

@Suite("Asking the alarm processor", .timeLimit(.minutes(2)))
struct AlarmRequestTests {
    private static let request = AlarmRequest(
        .acknowledge, .alarm("hot", tag: "factory/line1/press1/temperature"), by: "ada", comment: nil, at: 1)

    /// The one request that stands in the tree.
    private static func open(_ tree: ZooKeeperClient) async throws -> String {
        try await eventuallyValue("the request") {
            try await tree.getChildren(TreeLayout.alarmRequests).first.map { TreeLayout.alarmRequests + "/" + $0 }
        }
    }

    private static func answer(_ path: String, _ tree: ZooKeeperClient) async throws {
        var answered = try #require(AlarmRequest(data: try await tree.getData(path).data ?? []))
        answered.result = .done
        try await tree.setData(path, data: answered.serialized())
    }

    @Test("an answer comes back, and the request is gone")
    func answered() async throws {
        try await withPlantTree("request-answered") { tree in
            async let answer = PlantClient(tree: tree).request(Self.request)
            let path = try await Self.open(tree)
            #expect(AlarmRequest(data: try await tree.getData(path).data ?? []) == Self.request)
            try await Self.answer(path, tree)
            #expect(try await answer.result == .done)
            #expect(try await tree.getChildren(TreeLayout.alarmRequests).isEmpty)
        }
    }

    @Test("without an answer in time the request is withdrawn, and the failure says whether a gateway processes alarms")
    func timedOut() async throws {
        try await withPlantTree("request-timed-out") { tree in
            func failure() async throws -> PlantFailure? {
                let fake = FakeClock()
                let plant = PlantClient(tree: tree, clock: WaitingClock(fake))
                async let answer = plant.request(Self.request, patience: .seconds(5))
                _ = try await Self.open(tree)
                try await eventually("it waits") { fake.sleeperCount == 1 }
                fake.advance(by: .milliseconds(4_999))
                #expect(try await tree.getChildren(TreeLayout.alarmRequests).count == 1)
                fake.advance(by: .milliseconds(1))
                do {
                    _ = try await answer
                    return nil
                } catch let failure as PlantFailure {
                    #expect(try await tree.getChildren(TreeLayout.alarmRequests).isEmpty)
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
            let requests = AlarmRequests(client: tree, clock: WaitingClock(fake))
            let path = TreeLayout.alarmRequests + "/r"
            let (_, watch) = try await tree.existsAndWatch(path)
            try await tree.put(path, String(decoding: Self.request.serialized(), as: UTF8.self))
            let version = try await tree.getData(path).stat.version
            try await Self.answer(path, tree)
            // then it is not withdrawn, and the answer is what the requester gets.
            #expect(try await !requests.withdraw(path, version: version))
            #expect(try await requests.answer(at: path, created: watch, until: fake.now)?.result == .done)
            #expect(try await tree.exists(path) == nil)
        }
    }

    @Test("answer and end of patience at the same moment: the answer")
    func race() async throws {
        try await withPlantTree("request-race") { tree in
            let fake = FakeClock()
            async let answer = PlantClient(tree: tree, clock: WaitingClock(fake)).request(Self.request)
            let path = try await Self.open(tree)
            try await eventually("it waits") { fake.sleeperCount == 1 }
            try await Self.answer(path, tree)
            fake.advance(by: .seconds(5))
            #expect(try await answer.result == .done)
            #expect(try await tree.getChildren(TreeLayout.alarmRequests).isEmpty)
        }
    }

    @Test("where no gateway has ever run there is no one to ask")
    func unused() async throws {
        try await withClient(port: TestTree.port(.embedded), chroot: TestTree.uniquePath("request-unused")) { tree in
            await #expect(throws: PlantFailure.unused) { try await PlantClient(tree: tree).request(Self.request) }
        }
    }
}
