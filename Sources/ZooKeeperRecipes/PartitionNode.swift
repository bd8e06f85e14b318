import ZooKeeperClient
import ZooKeeperProtocol

/// The node that holds the plan.
struct PartitionNode: Sendable {
    let client: ZooKeeperClient
    let path: String

    /// Reads it and watches it, also where it is missing.
    func read() async throws -> ((data: [UInt8], version: Int32)?, Watch) {
        while true {
            do {
                let (node, watch) = try await client.getDataAndWatch(path)
                return ((node.data ?? [], node.stat.version), watch)
            } catch let error as ZooKeeperError where error.code == .noNode {
                let (stat, watch) = try await client.existsAndWatch(path)
                if stat == nil { return (nil, watch) }
            }
        }
    }

    /// Writes it, unless somebody else was faster. Whether it was written is known to who reads it next, also when the
    /// answer was lost: nothing is written twice, because the version has gone on.
    func write(_ data: [UInt8], over version: Int32?) async throws {
        do {
            if let version {
                try await client.setData(path, data: data, version: version)
            } else {
                try await client.create(path, data: data)
            }
        } catch let error as ZooKeeperError
            where [.badVersion, .noNode, .nodeExists].contains(error.code) || error.isOutcomeUnknown
        {
            if version == nil, error.code == .noNode { try await client.createParents(of: path) }
        }
    }
}
