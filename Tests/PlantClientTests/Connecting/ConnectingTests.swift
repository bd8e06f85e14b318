import Plant
import PlantConfiguration
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

@testable import PlantClient

@Suite("Connecting to a plant", .timeLimit(.minutes(2)))
struct ConnectingTests {
    private static func names(at place: PlantPlace) async throws -> [String] {
        try await PlantClient.connected(to: place, logger: TestTree.logger) { plant in
            try await plant.items(Selection.tags(try TopicFilter("#"))).map(\.key)
        }
    }

    @Test("without a name, the only plant of the tree; none and several are failures that say what to do")
    func onlyPlant() async throws {
        let server = try await OwnTree(.embedded, tick: .milliseconds(500))
        let servers = "127.0.0.1:\(server.port)"
        let place = PlantPlace(servers: servers, chroot: nil)
        await #expect(throws: PlantFailure.noPlant(servers: servers)) { try await Self.names(at: place) }
        let tag = #"{"v":1,"q":"good","t":1767225600000,"r":1767225600000}"#
        try await withClient(port: server.port) { try await $0.put("/linekeeper/b/tags/x/y", tag) }
        #expect(try await Self.names(at: place) == ["x/y"])
        try await withClient(port: server.port) { try await $0.put("/linekeeper/a/tags/z", tag) }
        await #expect(throws: PlantFailure.severalPlants(["a", "b"], servers: servers)) {
            try await Self.names(at: place)
        }
        #expect(
            try await Self.names(at: PlantPlace(servers: servers, chroot: TreeLayout.chroot(plant: "a"))) == ["z"])
        await server.stop()
        server.remove()
    }

    @Test("a tree that does not answer")
    func unreachable() async throws {
        let servers = "127.0.0.1:\(try FreePort.tcp())"
        await #expect(throws: PlantFailure.unreachable(servers: servers)) {
            try await Self.names(at: PlantPlace(servers: servers, chroot: "/linekeeper/test"))
        }
    }

    @Test("a secret that cannot be read is named")
    func unreadableSecret() async throws {
        var place = PlantPlace(servers: "127.0.0.1:1", chroot: "/linekeeper/test")
        place.access.username = "u"
        place.access.passwordFile = "/nowhere/secret"
        let failure = await #expect(throws: PlantFailure.self) { try await Self.names(at: place) }
        #expect(failure?.kind == .refused)
        #expect(failure?.description.contains("/nowhere/secret") == true, "\(String(describing: failure))")
    }

    @Test("what the tree refuses is a failure with its own words as the cause")
    func refusal() throws {
        let failure = PlantFailure(ZooKeeperError(code: .noAuth, path: "/tags"))
        #expect(failure?.kind == .refused && failure?.description == "the tree does not permit that on /tags")
        #expect(PlantFailure(ZooKeeperError(code: .connectionLoss))?.kind == .unreachable)
        #expect(PlantFailure(ZooKeeperError(code: .badArguments))?.kind == .unclear)
        #expect(PlantFailure(CancellationError()) == nil)
    }
}
