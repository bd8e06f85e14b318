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

extension ZooKeeperClient {
    /// Writes a node, with its parents when they are missing.
    func put(_ path: String, _ text: String) async throws {
        let data = Array(text.utf8)
        if try await exists(path) != nil {
            try await setData(path, data: data)
            return
        }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            try await ensurePath(String(path[..<slash]))
        }
        try await create(path, data: data)
    }
}
