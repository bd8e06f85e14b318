import OrderedCollections
import Plant
import TestFixtures
import Testing
import ZooKeeperClient

@testable import PlantClient

@Suite("Commands as their requester sees them", .timeLimit(.minutes(2)))
struct CommandClientTests {
    private static func request(_ id: String, by: String = "ada") throws -> CommandRecord {
        CommandRecord(
            id: id, device: try TagPath("factory/line1/press1"), command: "start", parameters: [:],
            by: Principal(claimed: by), requestedAt: 1_767_225_600_000, timeout: nil)
    }

    private static let mailbox = TreeLayout.requests + "/ada"

    /// What is asked for in the mailbox.
    private static func open(_ tree: ZooKeeperClient) async throws -> [RequestPlace] {
        guard try await tree.exists(mailbox) != nil else { return [] }
        return try await tree.getChildren(mailbox).map { RequestPlace(.mailbox, principal: "ada", id: $0) }
    }

    /// What a gateway does with all of it: records, unless they are there, and answers.
    private static func take(_ tree: ZooKeeperClient) async throws {
        for place in try await open(tree) {
            let data = try await tree.getData(place.path).data ?? []
            let record = try #require(
                try Request(parsing: data, at: place).commandRecord(by: Principal("ada", established: .mailbox)))
            let path = TreeLayout.commands + "/" + record.id
            if try await tree.exists(path) == nil { _ = try await tree.create(path, data: record.serialized()) }
            let answer = RequestAnswer(.done, at: 1, gateway: "g1")
            try await tree.setData(place.path, data: Request.answering(data, with: answer), version: 0)
        }
    }

    @Test(
        "a command is asked for in the requester's mailbox; who does not wait leaves it there, who waits takes it back")
    func sending() async throws {
        try await withPlantTree("command-send") { client in
            let fake = FakeClock()
            let plant = PlantClient(tree: client, clock: WaitingClock(fake))
            let request = try Self.request("a")
            // Nobody answers.
            async let sent = plant.send(request, patience: nil)
            try await eventually("it waits a moment") { fake.sleeperCount == 1 }
            fake.advance(by: .seconds(2))
            let waiting = try await sent
            #expect(waiting.state == .requested && waiting.detail?.contains("mailbox of ada") == true)
            #expect(try await Self.open(client).count == 1)
            // Asked for once more under the same id: what a gateway makes of it is what comes back.
            async let again = plant.send(request, patience: .seconds(30))
            try await eventually("it waits") { fake.sleeperCount == 1 }
            try await Self.take(client)
            try await eventually("it waits for the end") { fake.sleeperCount == 1 }
            fake.advance(by: .seconds(30))
            #expect(try await again.by == Principal("ada", established: .mailbox))
            // Its own request is read and gone; nobody has read the answer to the first one.
            #expect(try await Self.open(client).count == 1)
            #expect(try await plant.commands().records.map(\.id) == ["a"])
            #expect(try await plant.command("b") == nil)

            let nobody = Task { try await plant.send(try Self.request("b"), patience: .seconds(5)) }
            try await eventually("it waits") { fake.sleeperCount == 1 }
            fake.advance(by: .seconds(5))
            await #expect(throws: PlantFailure.noOwner(waited: .seconds(5))) { try await nobody.value }
            #expect(try await Self.open(client).count == 1)
        }
    }

    @Test("a command that nobody has taken up is withdrawn from the mailbox; one that is there by its owner")
    func cancelling() async throws {
        try await withPlantTree("command-cancel") { client in
            let fake = FakeClock()
            let plant = PlantClient(tree: client, clock: WaitingClock(fake))
            async let sent = plant.send(try Self.request("a"), patience: nil)
            try await eventually("it waits a moment") { fake.sleeperCount == 1 }
            fake.advance(by: .seconds(2))
            _ = try await sent
            #expect(try await plant.cancelCommand("a", by: "ada", at: 1).state == .cancelled)
            #expect(try await Self.open(client).isEmpty)
            await #expect(throws: PlantFailure.command(.notFound("a"))) {
                try await plant.cancelCommand("a", by: "ada", at: 1)
            }

            _ = try await client.create(TreeLayout.commands + "/b", data: try Self.request("b").serialized())
            let cancelled = Task { try await plant.cancelCommand("b", by: "bob", at: 7, patience: .seconds(5)) }
            let mailbox = TreeLayout.requests + "/bob"
            let id = try await eventuallyValue("the request") {
                try await client.exists(mailbox) == nil ? nil : client.getChildren(mailbox).first
            }
            let place = RequestPlace(.mailbox, principal: "bob", id: id)
            let data = try await client.getData(place.path).data ?? []
            let request = try Request(parsing: data, at: place)
            #expect(request.body == .cancel(command: "b", device: try TagPath("factory/line1/press1")))
            let answer = RequestAnswer(.refused, reason: "too late", at: 1, gateway: "g1")
            try await client.setData(place.path, data: Request.answering(data, with: answer), version: 0)
            await #expect(throws: PlantFailure.refused("too late")) { try await cancelled.value }
        }
    }

    @Test("where no gateway has ever run nothing is sent")
    func unused() async throws {
        let path = TestTree.uniquePath("command-unused")
        try await withClient(port: TestTree.port(.embedded)) { client in
            let plant = PlantClient(tree: client.rooted(at: path))
            await #expect(throws: PlantFailure.unused) { try await plant.send(try Self.request("a"), patience: nil) }
        }
    }

    @Test("a requester that waits gets the command as it stands when the time is over")
    func patience() async throws {
        try await withPlantTree("command-patience") { client in
            let fake = FakeClock()
            let commands = CommandClient(client: client, clock: WaitingClock(fake))
            _ = try await client.create(TreeLayout.commands + "/a", data: try Self.request("a").serialized())
            async let waiting = commands.wait("a", until: fake.now + .seconds(30))
            try await eventually("it waits") { fake.sleeperCount == 1 }
            fake.advance(by: .seconds(29))
            #expect(fake.sleeperCount == 1)
            fake.advance(by: .seconds(1))
            #expect(try await waiting.state == .requested)
        }
    }
}
