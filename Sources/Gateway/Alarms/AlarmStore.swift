package import Logging
package import Plant
package import ZooKeeperClient

/// The alarm records in the tree.
package struct AlarmStore: Sendable {
    private let client: ZooKeeperClient

    package init(client: ZooKeeperClient) { self.client = client }

    /// `/alarms/<tag path>/@<alarm name>`
    package static func nodePath(of alarm: AlarmPath) -> String { TreeLayout.alarms + "/" + alarm.znodePath }

    /// All records; a node that is not a record is logged and left out.
    package func records(logger: Logger) async throws -> [AlarmRecord] {
        let walk = TreeWalk(client: client)
        let paths = try await walk.descendants(of: TreeLayout.alarms).filter { path in
            path.split(separator: "/").last?.first == "@"
        }
        return try await zip(paths, walk.data(of: paths)).compactMap { path, node in
            guard let node else { return nil }
            do { return try AlarmRecord(parsing: node.data ?? []) } catch {
                logger.warning("unreadable alarm record", metadata: ["path": "\(path)", "error": "\(error)"])
                return nil
            }
        }
    }
}
