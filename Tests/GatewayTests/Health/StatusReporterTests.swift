import JSON
import OrderedCollections
import Plant
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

@testable import Gateway

@Suite("StatusReporter", .timeLimit(.minutes(5)))
struct StatusReporterTests {
    @Test(
        "the node is written every two seconds whether it has changed or not, once the name is held, and replaces an old one"
    )
    func signs() async throws {
        try await OwnershipTestBed.with { bed, group in
            let fake = FakeClock(wall: 1_000)
            let a = try await bed.gateway("a", in: &group)
            try await bed.observer.create("/status/a", data: Array("old".utf8), mode: .ephemeral)
            let holds = OwnershipTestBed.TestGateway.Permit()
            let reporter = StatusReporter(
                client: a.client, gateway: "a",
                record: { now in
                    GatewayStatusRecord(
                        gateway: "a", life: "1", at: now, broker: "fine", brokerSince: 7,
                        brokerAddresses: ["mqtt://a:1"],
                        configurationDigest: "d",
                        problems: [GatewayProblem(kind: "tags", since: 8, text: "no", cause: "noAuth")],
                        recovered: [GatewayProblem(kind: "tree", since: 8, until: 9, text: "no", cause: "gone")],
                        counters: ["x": 7])
                }, holdsName: { holds.mayConnect },
                health: FailureBoard(clock: GatewayClock(fake), logger: bed.logger), clock: GatewayClock(fake))
            group.addTask { try await reporter.run() }
            try await eventually("a round without a name") { fake.sleeperCount == 1 }
            #expect(try await bed.observer.getData("/status/a").data == Array("old".utf8))
            holds.set(true)
            fake.advance(by: StatusReporter.interval)
            try await eventually("a node of its own") {
                try await bed.observer.exists("/status/a")?.ephemeralOwner == a.client.session?.id
            }
            let json = try JSONValue(parsing: try await bed.observer.getData("/status/a").data ?? [])
            #expect(json["life"] == "1" && json["broker"] == "fine" && json["at"] == 3_000)
            #expect(json["counters"]?["x"] == 7 && json["brokerSince"] == 7 && json["configurationDigest"] == "d")
            #expect(GatewayStatusRecord(parsing: json.serialized())?.brokerAddresses == ["mqtt://a:1"])
            #expect(json["problems"]?[0].flatMap(GatewayProblem.init(json:))?.cause == "noAuth")
            #expect(json["recovered"]?[0].flatMap(GatewayProblem.init(json:))?.until == 9)
            let first = try #require(try await bed.observer.exists("/status/a"))
            try await eventually("the next round") { fake.sleeperCount == 1 }
            fake.advance(by: StatusReporter.interval)
            try await eventually("another write") {
                try await bed.observer.exists("/status/a").map { $0.mzxid > first.mzxid } == true
            }
        }
    }
}
