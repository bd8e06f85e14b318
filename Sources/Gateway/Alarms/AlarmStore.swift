package import Logging
package import Plant
package import ZooKeeperClient

/// The alarm records in the tree.
package struct AlarmStore: Sendable {
    private let client: ZooKeeperClient

    package init(client: ZooKeeperClient) { self.client = client }

    /// `/alarms/<tag path>/@<alarm name>`
    package static func nodePath(of alarm: AlarmPath) -> String { TreeLayout.alarms + "/" + alarm.znodePath }

    /// What stands below `/alarms`.
    package struct Contents: Sendable {
        package var records: [AlarmRecord] = []
        /// Paths of all alarm nodes, those included that hold no record: they are there and will be overwritten.
        package var nodes: Set<String> = []
    }

    /// Reads all of it; a node that is not a record is logged.
    package func contents(logger: Logger) async throws -> Contents {
        let walk = TreeWalk(client: client)
        let paths = try await walk.descendants(of: TreeLayout.alarms).filter { path in
            path.split(separator: "/").last?.first == "@"
        }
        var contents = Contents()
        for (path, node) in zip(paths, try await walk.data(of: paths)) {
            guard let node else { continue }
            contents.nodes.insert(path)
            do { contents.records.append(try AlarmRecord(parsing: node.data ?? [])) } catch {
                logger.warning("unreadable alarm record", metadata: ["path": "\(path)", "error": "\(error)"])
            }
        }
        return contents
    }
}
