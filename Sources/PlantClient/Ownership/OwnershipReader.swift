import Plant
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// Reads who is registered, and who queues for what.
struct OwnershipReader: Sendable {
    let client: ZooKeeperClient

    private var walk: TreeWalk { TreeWalk(client: client) }

    /// Who owns which shard, and why.
    func report() async throws -> OwnershipReport {
        async let queues = queues()
        async let members = members()
        let (shards, processor) = try await queues
        return OwnershipReport(members: try await members, queues: shards, processorQueue: processor)
    }

    /// Registered gateways.
    func members() async throws -> [GatewayMember] {
        let names = try await walk.children(of: TreeLayout.gateways).sorted()
        let nodes = try await walk.data(of: names.map(TreeLayout.gateway))
        return zip(names, nodes).compactMap { name, node in node.flatMap { Self.member(name, $0) } }
    }

    static func member(_ name: String, _ node: NodeData) -> GatewayMember? {
        GatewayMember(
            name: name, data: node.data ?? [], sessionID: node.stat.ephemeralOwner, registration: node.stat.czxid)
    }

    /// The names in the queue of each shard and of the alarm processor, the owner first. A candidate that says nothing has an
    /// empty name: it holds its place.
    func queues() async throws -> (shards: [[String]], processor: [String]) {
        let parents = (0..<TreeLayout.shardCount).map(TreeLayout.shard) + [TreeLayout.alarmProcessor]
        let candidates = try await withThrowingTaskGroup(of: (index: Int, paths: [String]).self) { group in
            for (index, parent) in parents.enumerated() {
                group.addTask {
                    let names = QueueOrder.candidates(among: try await walk.children(of: parent))
                    return (index, names.map { parent + "/" + $0 })
                }
            }
            return try await group.reduce(into: [[String]](repeating: [], count: parents.count)) {
                $0[$1.index] = $1.paths
            }
        }
        // One that has gone since is left out.
        var nodes = try await walk.data(of: candidates.flatMap { $0 }).makeIterator()
        var queues = candidates.map { paths in
            paths.compactMap { _ in
                nodes.next().flatMap { $0 }.map { String(decoding: ($0.data ?? []).prefix(256), as: UTF8.self) }
            }
        }
        let processor = queues.popLast() ?? []
        return (queues, processor)
    }
}
