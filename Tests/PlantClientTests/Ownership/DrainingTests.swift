import Plant
import PlantClient
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

@Suite("A gateway that was asked to take its share again")
struct DrainingTests {
    @Test("stays once its registration says so; until then it is late, and without one it is gone")
    func staying() async throws {
        try await withPlantTree("draining") { tree in
            let plant = PlantClient(tree: tree)
            func register(draining: Bool) async throws {
                var record = GatewayRecord(
                    identity: GatewayIdentity(gateway: "gw1", host: "h", pid: 1, version: "1", started: 1),
                    isReady: true, isSettled: true, routesDigest: "r")
                record.isDraining = draining
                let path = TreeLayout.gateway("gw1")
                if try await tree.exists(path) == nil {
                    try await tree.create(path, data: record.serialized(), mode: .ephemeral)
                }
                try await tree.setData(path, data: record.serialized())
            }
            #expect(try await plant.waitUntilStaying("gw1", patience: .zero) == .gone)
            try await register(draining: true)
            #expect(try await plant.waitUntilStaying("gw1", patience: .zero) == .late)
            async let outcome = plant.waitUntilStaying("gw1", patience: .seconds(60))
            try await register(draining: false)
            #expect(try await outcome == .staying)
        }
    }
}
