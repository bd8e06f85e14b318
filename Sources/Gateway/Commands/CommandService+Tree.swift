import Logging
import Plant
import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// Reading: the desk knows what stands in `/commands`.
extension CommandService {
    /// Before the tree is asked again after it could not be reached.
    static let retryPause = Duration.milliseconds(100)

    static func path(of id: String) -> String { TreeLayout.commands + "/" + id }

    func followTree() async {
        try? await SubtreeFollower(client: client, path: TreeLayout.commands).follow { element in
            switch element {
            case .gap:
                try await client.ensurePath(TreeLayout.commands)
                try await client.ensurePath(TreeLayout.journal)
                readEverything()
            case .event(let event): noticed(event)
            }
        } failed: { error in
            failures.failed("\(error)")
            try await clock.sleep(Self.retryPause)
        }
    }

    private func readEverything() {
        state.withLock { $0.mustList = true }
        turns.wake()
    }

    private func noticed(_ event: WatchEvent) {
        guard event.path.hasPrefix(TreeLayout.commands + "/") else { return }
        let id = String(event.path.dropFirst(TreeLayout.commands.count + 1))
        guard !id.utf8.contains(UInt8(ascii: "/")) else { return }
        switch event.type {
        case .nodeDeleted:
            feed { state, now in
                state.malformed[id] = nil
                return state.desk.gone(id, at: now)
            }
        case .nodeCreated, .nodeDataChanged:
            let isWanted = state.withLock { state in
                guard state.desk.wantsChange(of: id) else { return false }
                state.changed.insert(id)
                return true
            }
            if isWanted { turns.wake() }
        default: return
        }
    }

    func readTree() async {
        for await _ in turns.turns {
            while !Task.isCancelled, await readOnce() {}
        }
    }

    /// One round of reading; false when there was nothing to read, or what there was has to wait.
    private func readOnce() async -> Bool {
        let (mustList, changed, gains) = state.withLock { state in
            defer {
                state.changed = []
                state.mustList = false
            }
            return (state.mustList || !state.gains.isEmpty, state.changed, state.gains)
        }
        guard mustList || !changed.isEmpty else { return false }
        do {
            var ids = changed
            if mustList {
                // A follower of an ensemble may lag behind: what former owners wrote before we became one must show.
                if !gains.isEmpty { try await client.sync(TreeLayout.commands) }
                let names = Set(try await client.getChildren(TreeLayout.commands))
                feed { state, now in
                    state.malformed = state.malformed.filter { names.contains($0.key) }
                    ids.formUnion(names.filter { !state.desk.isOver($0) })
                    return state.desk.listed(names, at: now)
                }
            }
            let sorted = ids.sorted()
            let nodes = try await TreeWalk(client: client).data(of: sorted.map(Self.path(of:)))
            try await take(zip(sorted, nodes))
            begin(gains)
            failures.succeeded()
            return true
        } catch {
            state.withLock { state in
                state.changed.formUnion(changed)
                state.mustList = state.mustList || mustList
            }
            if !(error is CancellationError) {
                failures.failed("\(error)")
                try? await clock.sleep(Self.retryPause)
            }
            if !Task.isCancelled { turns.wake() }
            return false
        }
    }

    private func take(_ nodes: some Sequence<(String, NodeData?)>) async throws {
        // In the order of creation, because that is the order in which a device gets its commands.
        var readings = nodes.sorted { ($0.1?.stat.czxid ?? 0, $0.0) < ($1.1?.stat.czxid ?? 0, $1.0) }.map { id, node in
            (id: id, node: node, record: node.map { Self.record(of: $0, id) })
        }
        if readings.contains(where: { $0.record?.isVerified == true }) {
            // Anybody may have written it where anybody may create commands.
            let isClosed = try await mailboxes.isClosed(TreeLayout.commands)
            if !isClosed { for index in readings.indices { readings[index].record?.distrust() } }
        }
        var strange: [(id: String, mistake: RecordMistake)] = []
        feed { state, now in
            var actions: [CommandAction] = []
            for (id, node, record) in readings {
                guard let node, let record else {
                    actions += state.desk.gone(id, at: now)
                    continue
                }
                switch record {
                case .success(let record):
                    state.malformed[id] = nil
                    actions += state.desk.seen(
                        record, shard: ShardMap.shard(of: record.device), czxid: node.stat.czxid,
                        version: node.stat.version,
                        at: now)
                case .failure(let mistake):
                    // Something that somebody has put there, or made of a command of ours: it costs only itself.
                    if state.malformed[id] != node.stat.mzxid { strange.append((id, mistake)) }
                    if state.malformed.count < Self.malformedLimit { state.malformed[id] = node.stat.mzxid }
                    actions += state.desk.gone(id, at: now)
                }
            }
            return actions
        }
        for (id, mistake) in strange.prefix(10) {
            outsiders.warning("not a command record", ["command": id, "mistake": "\(mistake)"])
        }
        if strange.count > 10 {
            outsiders.warning("further nodes that are no command records", ["count": "\(strange.count - 10)"])
        }
    }

    private static func record(of node: NodeData, _ id: String) -> Result<CommandRecord, RecordMistake> {
        Result { () throws(RecordMistake) in
            var record = try CommandRecord(parsing: node.data ?? [], id: id)
            if record.requestedAt == 0 { record.requestedAt = node.stat.ctime }
            return record
        }
    }

    /// Takes up the shards that are still ours, now that their commands are known as they stand.
    private func begin(_ gains: [Int: Lease]) {
        guard !gains.isEmpty else { return }
        feed { state, now in
            var actions: [CommandAction] = []
            for (shard, lease) in gains.sorted(by: { $0.key < $1.key }) where state.gains[shard] == lease {
                state.gains[shard] = nil
                state.leases[shard] = lease
                actions += state.desk.shardGained(shard, epoch: lease.token, at: now)
            }
            return actions
        }
        requestTurns.wake()
    }
}

extension Result<CommandRecord, RecordMistake> {
    /// Whether the record says so of somebody.
    fileprivate var isVerified: Bool {
        guard case .success(let record) = self else { return false }
        return record.by.isVerified || record.cancelRequestedBy?.isVerified == true
    }

    fileprivate mutating func distrust() {
        guard case .success(var record) = self else { return }
        record.by.isVerified = false
        record.cancelRequestedBy?.isVerified = false
        self = .success(record)
    }
}
