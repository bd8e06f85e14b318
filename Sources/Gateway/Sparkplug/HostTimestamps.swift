import Plant
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// The last timestamp of the host, in the tree, where the next active gateway finds it.
///
/// Each write begins with a check of the writer's election node, so what a new active gateway reads once it is elected is the last
/// one that was written.
struct HostTimestamps: Sendable {
    let client: ZooKeeperClient
    let path: String
    let gateway: String
    let outsiders: OutsiderLog

    init(client: ZooKeeperClient, host: SparkplugHostDefinition, gateway: String, outsiders: OutsiderLog) {
        self.client = client
        path = TreeLayout.sparkplugHost(host)
        self.gateway = gateway
        self.outsiders = outsiders
    }

    /// nil when none was kept, or what is there is no record.
    func last() async throws -> Milliseconds? {
        let data: [UInt8]
        do { data = try await client.getData(path).data ?? [] } catch let error as ZooKeeperError
            where error.code == .noNode
        {
            return nil
        }
        if let record = SparkplugHostRecord(data: data) { return record.timestamp }
        outsiders.warning("the last timestamp of the Sparkplug host cannot be read", ["path": path])
        return nil
    }

    /// - Throws: `LeaseLost`, and what a transaction throws. Then it may have been kept or not.
    func keep(_ timestamp: Milliseconds, under lease: Lease) async throws {
        let data = SparkplugHostRecord(timestamp: timestamp, gateway: gateway).serialized()
        do {
            try await lease.guarded([.setData(path: path, data: data, version: -1)])
        } catch let error as ZooKeeperError where error.code == .noNode {
            try await client.ensurePath(TreeLayout.sparkplug)
            try await lease.guarded([.create(path: path, data: data, mode: .persistent)])
        }
    }
}
