import Plant
import ZooKeeperRecipes

extension TreeWalk {
    /// The nodes of devices, without what lies below them that is no device.
    func devicePaths() async throws -> [String] {
        try await descendants(of: TreeLayout.devices).filter { $0.split(separator: "/").last?.first != "@" }
    }
}
