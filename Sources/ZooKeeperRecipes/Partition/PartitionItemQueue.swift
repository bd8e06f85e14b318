import ZooKeeperClient
import ZooKeeperProtocol

/// The queue of an item's lock, as seen from outside: whose candidates stand in it.
struct PartitionItemQueue: Sendable {
    let client: ZooKeeperClient
    let path: String

    /// The names of those in the queue, the owner first, and a watch that fires when that may have changed.
    func read() async throws -> (names: [String], watch: Watch) {
        while true {
            do {
                let (children, watch) = try await client.getChildrenAndWatch(path)
                let reads = try QueueOrder.candidates(among: children).map {
                    try client.startGetData(ZooKeeperPath.child($0, of: path))
                }
                var names: [String] = []
                for read in reads {
                    do {
                        names.append(String(decoding: try await read.value().data ?? [], as: UTF8.self))
                    } catch let error as ZooKeeperError where error.code == .noNode {
                        continue  // it has gone meanwhile, and the watch has fired
                    }
                }
                return (names, watch)
            } catch let error as ZooKeeperError where error.code == .noNode {
                let (stat, watch) = try await client.existsAndWatch(path)
                if stat == nil { return ([], watch) }
            }
        }
    }
}
