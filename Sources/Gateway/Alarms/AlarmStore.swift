package import Plant
package import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// The alarm records in the tree.
package struct AlarmStore: Sendable {
    private let client: ZooKeeperClient
    private let outsiders: OutsiderLog

    /// - Parameter outsiders: where nodes that hold no record are logged.
    package init(client: ZooKeeperClient, outsiders: OutsiderLog) {
        self.client = client
        self.outsiders = outsiders
    }

    /// `/alarms/<tag path>/@<alarm name>`
    package static func nodePath(of alarm: AlarmPath) -> String { TreeLayout.alarms + "/" + alarm.znodePath }

    /// What stands below `/alarms`.
    package struct Contents: Sendable {
        package var records: [AlarmRecord] = []
        /// How all alarm nodes stand, those included that hold no record.
        package var standings = AlarmStandings()
    }

    /// Reads all of it; a node that is not a record is logged.
    package func contents() async throws -> Contents {
        let walk = TreeWalk(client: client)
        let paths = try await walk.descendants(of: TreeLayout.alarms).filter { path in
            path.split(separator: "/").last?.first == "@"
        }
        var contents = Contents()
        for (path, node) in zip(paths, try await walk.data(of: paths)) {
            guard let node else { continue }
            var standing = AlarmStandings.Standing(version: node.stat.version, revision: nil)
            do {
                let record = try AlarmRecord(parsing: node.data ?? [])
                guard Self.nodePath(of: record.path) == path else {
                    throw RecordMistake("tag", "names another alarm than the node")
                }
                standing.revision = record.revision
                contents.records.append(record)
            } catch {
                outsiders.warning("unreadable alarm record", ["path": path, "error": "\(error)"])
            }
            contents.standings.found(path, standing)
        }
        return contents
    }
}
