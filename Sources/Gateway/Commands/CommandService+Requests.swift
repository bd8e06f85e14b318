import Plant
import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// What is asked about the devices of this gateway's shards, answered in place: a command becomes its record in the
/// transaction of the answer, and from there on the desk sees to it.
extension CommandService {
    /// Requests that are taken from a mailbox at a time.
    private static let requestBatch = 64
    /// How often a wish to withdraw a command is tried that is written meanwhile, before its turn comes again.
    private static let cancelAttempts = 5

    /// Shards do not wait for each other; within one the requests are answered in the order of their creation, which makes
    /// it the order of the commands.
    func answerRequests() async {
        await withDiscardingTaskGroup { group in
            for await _ in requestTurns.turns {
                for case .shardOwner(let shard) in mailboxes.responsible {
                    guard let lease = beginAnswering(shard) else { continue }
                    group.addTask {
                        let isDone = await self.answerRequests(ofShard: shard, lease)
                        if !isDone { try? await self.clock.sleep(Self.retryPause) }
                        self.state.withLock { _ = $0.answering.remove(shard) }
                        // What came meanwhile, or could not be answered.
                        self.requestTurns.wake()
                    }
                }
            }
        }
    }

    /// The lease of a shard with open requests, when it is this gateway's to answer them now.
    private func beginAnswering(_ shard: Int) -> Lease? {
        guard !mailboxes.next(for: .shardOwner(shard), limit: 1).isEmpty else { return nil }
        return state.withLock { state in
            guard !state.isDraining, let lease = state.leases[shard], lease.isValid(at: clock.now()),
                state.answering.insert(shard).inserted
            else { return nil }
            return lease
        }
    }

    /// - Returns: false when it has to be tried again later.
    private func answerRequests(ofShard shard: Int, _ lease: Lease) async -> Bool {
        while !Task.isCancelled, lease.isValid(at: clock.now()) {
            let open = mailboxes.next(for: .shardOwner(shard), limit: Self.requestBatch)
            guard !open.isEmpty else { break }
            for request in open {
                do {
                    try await answer(request, lease)
                    failures.succeeded()
                } catch let error as ZooKeeperError where mailboxes.isAbout(request, error) {
                    _ = try? await mailboxes.discard(lease, onlyUnwritable: true)
                } catch {
                    if !(error is CancellationError || error is LeaseLost) { failures.failed("\(error)") }
                    if let error = error as? ZooKeeperError, error.code == .noNode {
                        try? await client.ensurePath(TreeLayout.commands)
                        try? await client.ensurePath(TreeLayout.journal)
                    }
                    return false
                }
            }
        }
        return true
    }

    private func answer(_ open: RequestDesk.Open, _ lease: Lease) async throws {
        do {
            switch open.request.body {
            case .command: try await takeCommand(open, lease)
            case .cancel(let command, let device):
                // A command's own deadline is kept by the desk.
                if mailboxes.isExpired(open) {
                    return try await refuse("its time was over before it could be answered", open, lease)
                }
                try await cancel(command, of: device, open, lease)
            case .alarm, .drain, .impossible: return
            }
        } catch let error as ZooKeeperError where error.isRefusalOfNode && error.path != open.place.path {
            // It must not hold up the others of its shard.
            try await refuse("the tree refuses it: \(error)", open, lease)
        }
    }

    /// The record of the command and the answer stand together or not at all. The id stays unique: a record that stands
    /// already is the same request, asked before, or another one, and then this one is refused.
    private func takeCommand(_ open: RequestDesk.Open, _ lease: Lease) async throws {
        let principal = try await mailboxes.principal(of: open)
        guard let record = open.request.commandRecord(by: principal) else { return }
        let path = Self.path(of: record.id)
        do {
            try await write([.create(path: path, data: record.serialized(), mode: .persistent)], .done, open, lease)
        } catch let error as ZooKeeperError where error.code == .nodeExists && error.path == path {
            guard let node = try await node(at: path) else { return try await takeCommand(open, lease) }
            guard let known = try? CommandRecord(parsing: node.data ?? [], id: record.id) else {
                return try await refuse("the id \(record.id) stands for something that is no command", open, lease)
            }
            guard known.isRepeated(by: record) else {
                return try await refuse("\(CommandRefusal.idTaken(record.id, by: known.by.name))", open, lease)
            }
            try await write([], .done, open, lease)
            if open.place.door == .mqtt, known.state.isFinal || known.epoch != nil {
                announcer.announce(known, lease: lease)
            }
        }
    }

    /// The wish stands in the command's record; the desk decides, as it did when requesters wrote it there.
    private func cancel(_ id: String, of device: TagPath, _ open: RequestDesk.Open, _ lease: Lease) async throws {
        let principal = try await mailboxes.principal(of: open)
        for attempt in 1...Self.cancelAttempts {
            let path = Self.path(of: id)
            guard CommandRecord.mistake(inID: id) == nil, let node = try await node(at: path),
                var record = try? CommandRecord(parsing: node.data ?? [], id: id), record.device == device
            else { return try await refuse("\(CommandRefusal.notFound(id))", open, lease) }
            guard record.state == .requested else {
                return try await refuse("\(CommandRefusal.notCancellable(id, record.state))", open, lease)
            }
            if record.cancelRequestedBy != nil { return try await write([], .done, open, lease) }
            record.cancelRequestedBy = principal
            record.cancelRequestedAt = open.request.at
            do {
                let wish = Operation.setData(path: path, data: record.serialized(), version: node.stat.version)
                return try await write([wish], .done, open, lease)
            } catch let error as ZooKeeperError
                where error.path == path && (error.code == .badVersion || error.code == .noNode)
                && attempt < Self.cancelAttempts
            {
                continue  // It has moved on: look again.
            }
        }
    }

    private func node(at path: String) async throws -> NodeData? {
        do { return try await client.getData(path) } catch let error as ZooKeeperError where error.code == .noNode {
            return nil
        }
    }

    private func refuse(_ reason: String, _ open: RequestDesk.Open, _ lease: Lease) async throws {
        try await write([], .refused, reason: reason, open, lease)
    }

    private func write(
        _ operations: [Operation], _ result: RequestAnswer.Result, reason: String? = nil, _ open: RequestDesk.Open,
        _ lease: Lease
    ) async throws {
        let answer = mailboxes.answer(result, reason: reason)
        _ = try await lease.guarded(operations + [Mailboxes.operation(answering: open, with: answer)])
        mailboxes.answered(open, with: answer)
    }

    // MARK: Asked by the door

    /// Whether this gateway owns that shard, now.
    func owns(shard: Int) -> Bool {
        let now = clock.now()
        return state.withLock { $0.leases[shard]?.isValid(at: now) == true }
    }

    /// Announces once more how a command stands, if its device is this gateway's.
    func tellAgain(_ id: String) async {
        guard let node = try? await node(at: Self.path(of: id)),
            let record = try? CommandRecord(parsing: node.data ?? [], id: id),
            let lease = state.withLock({ $0.leases[ShardMap.shard(of: record.device)] }),
            lease.isValid(at: clock.now()), record.state.isFinal || record.epoch != nil
        else { return }
        announcer.announce(record, lease: lease)
    }
}
