import Plant
import TestFixtures
import ZooKeeperClient

/// Runs `body` with a client at a plant's part of a tree of its own, in which there is nothing but the folders that a
/// gateway makes.
func withPlantTree(_ name: String, _ body: (ZooKeeperClient) async throws -> Void) async throws {
    try await withClient(port: TestTree.port(.embedded), chroot: TestTree.uniquePath(name)) { client in
        for path in TreeLayout.roots { try await client.ensurePath(path) }
        try await body(client)
    }
}
