import Plant
import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol

/// Tags whose nodes the tree refuses to take, such as below a node with an access list that leaves this gateway out.
///
/// They cost themselves alone: the others of their transaction are written without them, and they are tried again now and
/// then.
final class RefusedTags: Sendable {
    private let shards = Mutex<[TagID: Int]>([:])

    var isEmpty: Bool { shards.withLock { $0.isEmpty } }

    func refused(_ write: TagWrite) { shards.withLock { $0[write.tag] = write.shard } }

    func written(_ writes: some Sequence<TagWrite>) {
        shards.withLock { shards in
            guard !shards.isEmpty else { return }
            for write in writes { shards[write.tag] = nil }
        }
    }

    /// All of them, to be written again. Those of shards that are not in `mask` are forgotten here: whoever owns them writes
    /// them.
    func due(in mask: UInt64) -> [TagID] {
        shards.withLock { shards in
            defer { shards = shards.filter { mask >> UInt64($0.value) & 1 == 1 } }
            return Array(shards.keys)
        }
    }
}

extension ZooKeeperError {
    /// Whether the tree refuses what was asked for because of the node that it concerns: asking again about others may do.
    var isRefusalOfNode: Bool {
        [.noAuth, .quotaExceeded, .noChildrenForEphemerals, .badArguments, .requestTooLarge, .invalidACL].contains(code)
    }
}
