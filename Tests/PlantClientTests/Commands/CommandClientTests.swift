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
            id: id, device: try TagPath("factory/line1/press1"), command: "start", parameters: [:], by: by,
            requestedAt: 1_767_225_600_000, timeout: nil)
    }

    @Test("sent once, however often it is asked for; withdrawn; and what cannot be is a failure of the plant's client")
    func sending() async throws {
        try await withPlantTree("command-send") { client in
            let plant = PlantClient(tree: client)
            let request = try Self.request("a")
            #expect(try await plant.send(request, patience: nil) == request)
            #expect(try await plant.send(request, patience: .zero).state == .requested)
            await #expect(throws: PlantFailure.command(.idTaken("a", by: "ada"))) {
                try await plant.send(try Self.request("a", by: "bob"), patience: nil)
            }
            #expect(try await plant.commands().records.map(\.id) == ["a"])
            #expect(try await plant.command("b") == nil)
            let cancelled = try await plant.cancelCommand("a", by: "ada", at: 1_767_225_600_001, patience: .zero)
            #expect(cancelled.cancelRequestedBy == "ada")
            await #expect(throws: PlantFailure.command(.notFound("b"))) {
                try await plant.cancelCommand("b", by: "ada", at: 1_767_225_600_001)
            }
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
            _ = try await commands.submit(try Self.request("a"))
            async let waiting = commands.wait("a", until: fake.now + .seconds(30))
            try await eventually("it waits") { fake.sleeperCount == 1 }
            fake.advance(by: .seconds(29))
            #expect(fake.sleeperCount == 1)
            fake.advance(by: .seconds(1))
            #expect(try await waiting.state == .requested)
        }
    }
}
