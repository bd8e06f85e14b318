import OrderedCollections
import Plant
import TestFixtures
import Testing

@testable import PlantClient

@Suite("Commands as their requester sees them", .timeLimit(.minutes(2)))
struct CommandClientTests {
    @Test("a requester that waits gets the command as it stands when the time is over")
    func patience() async throws {
        try await withPlantTree("command-patience") { client in
            let fake = FakeClock()
            let commands = CommandClient(client: client, clock: WaitingClock(fake))
            _ = try await commands.submit(
                CommandRecord(
                    id: "a", device: try TagPath("factory/line1/press1"), command: "start", parameters: [:], by: "ada",
                    requestedAt: fake.wall, timeout: nil))
            async let waiting = commands.wait("a", until: fake.now + .seconds(30))
            try await eventually("it waits") { fake.sleeperCount == 1 }
            fake.advance(by: .seconds(29))
            #expect(fake.sleeperCount == 1)
            fake.advance(by: .seconds(1))
            #expect(try await waiting.state == .requested)
        }
    }
}
