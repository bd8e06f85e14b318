import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol

/// Tags, devices or commands whose nodes the tree refuses to take, such as below one with an access list that leaves this
/// gateway out.
///
/// They cost themselves alone: the others are written without them, and they are tried again now and then.
final class RefusedNodes<ID: Hashable & Sendable>: Sendable {
    private let shards = Mutex<[ID: Int]>([:])

    var isEmpty: Bool { shards.withLock { $0.isEmpty } }

    var all: [ID] { shards.withLock { Array($0.keys) } }

    func refused(_ id: ID, of shard: Int) { shards.withLock { $0[id] = shard } }

    func written(_ ids: some Sequence<ID>) {
        shards.withLock { shards in
            guard !shards.isEmpty else { return }
            for id in ids { shards[id] = nil }
        }
    }

    /// All of them, to be written again. Those of shards that are not in `mask` are forgotten here: their owner writes
    /// them.
    func due(in mask: UInt64) -> [ID] {
        shards.withLock { shards in
            defer { shards = shards.filter { mask >> UInt64($0.value) & 1 == 1 } }
            return Array(shards.keys)
        }
    }
}

extension ZooKeeperError {
    /// Whether the tree refuses what was asked for because of the node that it concerns: asking again about others may do.
    var isRefusalOfNode: Bool {
        [
            .noAuth, .quotaExceeded, .noChildrenForEphemerals, .badArguments, .requestTooLarge, .invalidACL, .notEmpty,
        ].contains(code)
    }
}
