public import Logging
public import ZooKeeperClient
public import ZooKeeperProtocol

/// A queue of work that several processes put into and take from. Each item is finished exactly once.
///
/// ``take(timeout:)`` claims an item: an ephemeral node, so that the item of a worker that dies returns to the queue when
/// its session ends. ``QueueItem/finish(_:)`` deletes the item in one transaction with whatever the work came to, if and
/// only if the claim still stands: however often an item was begun (``QueueItem/attempt`` tells), its result is there
/// once. What a worker does outside the tree may happen again; pass on the token.
///
/// Order: by priority, then by folder, then in the order of putting, as far as several workers allow one.
///
/// Layout: `path/items/<priority>/<folder>/<uuid>-<seq>`, `path/claims/<item's uuid and number>`. A folder takes about
/// `folderSize` items and then the next one is opened, so that no listing grows with the queue: a server cannot answer
/// one that is longer than its clients' frame limit (1 MB by default, some 15,000 names). Empty folders are deleted by
/// whoever finds them.
public struct DistributedQueue: Sendable {
    private let client: ZooKeeperClient
    private let items: String
    private let claims: String
    private let identity: [UInt8]
    private let logger: Logger
    private let folderSize: Int32

    /// Describes a queue.
    ///
    /// - Parameters:
    ///   - path: The node of the queue; made if missing.
    ///   - identity: The data of claims, for whoever looks.
    ///   - folderSize: How many items a folder takes, about.
    public init(
        client: ZooKeeperClient, path: String, identity: [UInt8], folderSize: Int = 1000, logger: Logger
    ) {
        self.client = client
        items = ZooKeeperPath.child("items", of: path)
        claims = ZooKeeperPath.child("claims", of: path)
        self.identity = identity
        self.folderSize = Int32(clamping: max(1, folderSize))
        self.logger = logger
    }

    // MARK: Putting

    /// Puts an item.
    ///
    /// - Parameter priority: 0 comes first.
    /// - Returns: The item's node.
    /// - Throws: ``OutcomeUnknown`` when the answer was lost and the item is not there: it was not put, or somebody has
    ///   finished it already. ``/ZooKeeperClient/ZooKeeperError`` when it was not put. `CancellationError`: nobody can
    ///   tell whether it was.
    @discardableResult
    public func put(_ data: [UInt8], priority: UInt8 = 128) async throws -> String {
        let lane = ZooKeeperPath.child(Self.padded(Int32(priority), 3), of: items)
        let name = ProtectedName(kind: "")
        var attempt = Attempt()
        while true {
            try Task.checkCancellation()
            do {
                let folder = try await newestFolder(of: lane)
                return try await put(data, name, into: ZooKeeperPath.child(folder, of: lane), lane, folder)
            } catch let error as ZooKeeperError {
                switch error.code {
                case .noNode: continue  // the folder was full, empty, and deleted
                case _ where error.isOutcomeUnknown:
                    if let path = await find(name, in: lane) { return path }
                    throw OutcomeUnknown(path: lane, cause: error)
                default: try await attempt.failed(error)
                }
            }
        }
    }

    private func put(
        _ data: [UInt8], _ name: ProtectedName, into path: String, _ lane: String, _ folder: String
    ) async throws -> String {
        let created = try await client.create(
            ZooKeeperPath.child(name.prefix, of: path), data: data, mode: .persistentSequential)
        if let number = QueueOrder.sequence(of: created), number &+ 1 >= folderSize, let current = Int32(folder) {
            // Full: the next one goes elsewhere. Whoever sees it first opens the folder.
            let next = ZooKeeperPath.child(Self.padded(current &+ 1, 10), of: lane)
            do { try await client.create(next, data: nil) } catch is ZooKeeperError {}
        }
        return created
    }

    private func newestFolder(of lane: String) async throws -> String {
        if let newest = try await folders(of: lane).last { return newest }
        let first = Self.padded(0, 10)
        try await client.ensurePath(ZooKeeperPath.child(first, of: lane))
        return first
    }

    private func folders(of lane: String) async throws -> [String] {
        do {
            return try await client.getChildren(lane).sorted()
        } catch let error as ZooKeeperError where error.code == .noNode {
            return []
        }
    }

    /// Looks for an item whose create was not answered; nil as well when nobody answers for too long.
    private func find(_ name: ProtectedName, in lane: String) async -> String? {
        let end = ContinuousClock.now + OutcomeUnknown.patience(client)
        var attempt = Attempt()
        while ContinuousClock.now < end {
            do {
                try await client.sync(lane)
                for folder in try await folders(of: lane).reversed() {
                    let path = ZooKeeperPath.child(folder, of: lane)
                    do {
                        if let child = name.find(in: try await client.getChildren(path)) {
                            return ZooKeeperPath.child(child, of: path)
                        }
                    } catch let error as ZooKeeperError where error.code == .noNode {
                        continue  // emptied and deleted meanwhile
                    }
                }
                return nil
            } catch let error as ZooKeeperError {
                do { try await attempt.failed(error) } catch { return nil }
            } catch {
                return nil
            }
        }
        return nil
    }

    private static func padded(_ number: Int32, _ width: Int) -> String {
        let digits = String(max(0, number))
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    // MARK: Taking

    /// Claims the next item; waits for one.
    ///
    /// - Returns: The item; nil when there was none within `timeout`, which includes that no server was to be reached.
    /// - Throws: `CancellationError`; ``/ZooKeeperClient/ZooKeeperError`` with what servers refuse for good (access, a
    ///   quota), or when the client has closed. Either way no claim is left behind: it is gone when this throws, or,
    ///   while no server answers within two seconds, as soon as one does.
    public func take(timeout: Duration? = nil) async throws -> QueueItem? {
        guard let timeout else { return try await takeNext() }
        return try await withThrowingTaskGroup(of: QueueItem?.self) { group in
            group.addTask { try await takeNext() }
            group.addTask {
                try await Task.sleep(for: timeout)
                return nil
            }
            let first: QueueItem?
            do {
                first = try await group.next() ?? nil
            } catch {
                group.cancelAll()
                if let late = try? await group.next(), let item = late {
                    await item.giveBack(within: Cleanup.patience)
                }
                throw error
            }
            group.cancelAll()
            if let first { return first }
            // It may have come at the last moment.
            if let late = try? await group.next(), let item = late { return item }
            return nil
        }
    }

    /// Claims the next item, has `work` do what it stands for, and finishes it together with the operations that `work`
    /// returns. When `work` throws, or is cancelled because the claim is lost, the item goes back to the queue.
    ///
    /// - Returns: Whether there was an item within `timeout`.
    /// - Throws: What `work`, ``take(timeout:)`` and ``QueueItem/finish(_:)`` throw; ``LeaseLost`` when the claim was lost.
    @discardableResult
    public func withItem(
        timeout: Duration? = nil,
        _ work: @escaping @Sendable (QueueItem) async throws -> [ZooKeeperProtocol.Operation]
    ) async throws -> Bool {
        guard let item = try await take(timeout: timeout) else { return false }
        do {
            try await item.finish(try await item.lease.run { _ in try await work(item) })
            return true
        } catch {
            await item.giveBack(within: Cleanup.patience)
            throw error
        }
    }

    private func takeNext() async throws -> QueueItem {
        let use = LeaseUse(client)
        var attempt = Attempt()
        while true {
            try Task.checkCancellation()
            do {
                var watches: [Watch] = []
                if let item = try await claimAny(use, &watches) { return item }
                try await Self.waitForAny(watches)
                attempt = Attempt()
            } catch let error as ZooKeeperError {
                switch error.code {
                case .noNode:
                    try await attempt.prepare {
                        try await client.ensurePath(items)
                        try await client.ensurePath(claims)
                    }
                default: try await attempt.failed(error)
                }
            }
        }
    }

    /// Claims the first item that nobody has; nil when there is none, with watches on everything that could change that.
    private func claimAny(_ use: LeaseUse, _ watches: inout [Watch]) async throws -> QueueItem? {
        func list(_ path: String) async throws -> [String] {
            let (names, watch) = try await client.getChildrenAndWatch(path)
            watches.append(watch)
            return names
        }
        let claimed = Set(try await list(claims))
        for lane in try await list(items).sorted() {
            let lanePath = ZooKeeperPath.child(lane, of: items)
            let folders = try await list(lanePath).sorted()
            for folder in folders {
                let folderPath = ZooKeeperPath.child(folder, of: lanePath)
                let names: [String]
                do {
                    names = try await list(folderPath)
                } catch let error as ZooKeeperError where error.code == .noNode {
                    continue
                }
                if names.isEmpty, folder != folders.last { await deleteEmpty(folderPath) }
                let open = names.compactMap { name in QueueOrder.sequence(of: name).map { (name, $0) } }
                    .filter { !claimed.contains($0.0) }.sorted { $0.1 < $1.1 }
                for (name, _) in open {
                    if let item = try await claim(ZooKeeperPath.child(name, of: folderPath), name, use) { return item }
                }
            }
        }
        return nil
    }

    private func deleteEmpty(_ folder: String) async {
        // Somebody may be putting into it just now: then it stays.
        do { try await client.delete(folder) } catch {}
    }

    /// Claims an item, unless somebody else has.
    ///
    /// The claim and a new version of the item are one change: the version is the fence, because a claim's name is used
    /// again by the next worker. The claim's data begins with a tag of this attempt, so that one whose answer was lost is
    /// told from that of another worker of the same session.
    private func claim(_ path: String, _ name: String, _ use: LeaseUse) async throws -> QueueItem? {
        let claim = ZooKeeperPath.child(name, of: claims)
        let tag = Array((ProtectedName(kind: "claim").prefix + "\n").utf8) + identity
        do {
            return try await tryClaim(path, claim, tag, use)
        } catch {
            // Cancelled, or lost, on the way: the claim may be there.
            if (error as? ZooKeeperError)?.code != .noNode { await abandon(path, claim, tag) }
            throw error
        }
    }

    private func tryClaim(
        _ path: String, _ claim: String, _ tag: [UInt8], _ use: LeaseUse
    ) async throws -> QueueItem? {
        var attempt = Attempt()
        while true {
            do {
                let node = try await client.getData(path)
                let results = try await client.transaction([
                    .create(path: claim, data: tag, mode: .ephemeral),
                    .setData(path: path, data: node.data, version: node.stat.version),
                ])
                guard case .set(let item)? = results.last else {
                    throw ZooKeeperError(code: .marshallingError, path: claim)
                }
                return try await self.item(path, claim, tag, item.version, node.data ?? [], use)
            } catch let error as ZooKeeperError {
                switch error.code {
                case .nodeExists where error.transactionIndex == 0:
                    // Another's, unless it is that of a transaction of ours whose answer was lost.
                    guard let mine = try await ownItem(path, claim, tag) else { return nil }
                    return try await self.item(path, claim, tag, mine.stat.version, mine.data ?? [], use)
                case .noNode:
                    if error.transactionIndex == 0 { throw error }
                    return nil
                case .badVersion: continue
                case _ where error.isOutcomeUnknown: try await attempt.failed(error)
                default: throw error
                }
            }
        }
    }

    /// The item, if the claim on it is this one.
    private func ownItem(_ path: String, _ claim: String, _ tag: [UInt8]) async throws -> NodeData? {
        do {
            let found = try await client.getData(claim)
            guard found.data == tag, found.stat.ephemeralOwner == client.session?.id else { return nil }
            return try await client.getData(path)
        } catch let error as ZooKeeperError where error.code == .noNode {
            return nil
        }
    }

    /// The item with its lease; nil when the claim is gone again. The claim is read once more for its token: Apache
    /// ZooKeeper leaves the Stat out of a transaction's answer.
    private func item(
        _ path: String, _ claim: String, _ tag: [UInt8], _ version: Int32, _ data: [UInt8], _ use: LeaseUse
    ) async throws -> QueueItem? {
        while true {
            try Task.checkCancellation()
            let (found, watch) = try await client.getDataAndWatch(claim)
            guard found.data == tag, found.stat.ephemeralOwner == client.session?.id else { return nil }
            let grant = LeaseGrant(
                client: client, watch: watch, checks: [.check(path: claim), .check(path: path, version: version)],
                use: use)
            let lease = Lease(
                path: claim, token: found.stat.czxid, sessionID: found.stat.ephemeralOwner, grant: grant)
            if lease.isValid() {
                return QueueItem(
                    path: path, data: data, attempt: Int(version), lease: lease, client: client, version: version)
            }
            // Answers of long ago, for whoever was stopped; this one is not.
            try await client.sync(claim)
        }
    }

    /// Removes a claim that was on its way when the worker was told to stop.
    private func abandon(_ path: String, _ claim: String, _ tag: [UInt8]) async {
        await Cleanup.untilDone(client, sessionID: client.session?.id, within: Cleanup.patience) {
            do {
                if let removal = try await removal(of: claim, tag, on: path) { try await client.transaction(removal) }
            } catch let error as ZooKeeperError where error.code == .noNode && error.transactionIndex == 0 {
                // The item went: together with the claim, or somebody has deleted it alone.
                try await client.delete(claim)
            }
        }
    }

    /// What removes the claim with this tag from an item, and fails when another one stands in its place by then; nil when
    /// there is no such claim.
    func removal(
        of claim: String, _ tag: [UInt8], on path: String
    ) async throws -> [ZooKeeperProtocol.Operation]? {
        try await client.sync(claim)
        // In this order: no claim but the one that is read then stands on the item in this version, ever.
        let item = try await client.exists(path)
        guard try await client.getData(claim).data == tag else { return nil }
        // Nobody can claim an item that is gone: its name is never used again.
        return (item.map { [.check(path: path, version: $0.version)] } ?? []) + [.delete(path: claim)]
    }

    private static func waitForAny(_ watches: [Watch]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for watch in watches { group.addTask { _ = try await watch.next() } }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
