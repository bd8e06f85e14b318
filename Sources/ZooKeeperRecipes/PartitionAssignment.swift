public import Logging
public import ServiceLifecycle
import Synchronization
public import ZooKeeperClient
import ZooKeeperProtocol

/// Shares items among the members that are there: each runs the work of those that ``PartitionPlan`` gives it.
///
/// Everybody computes the plan from the list of members; nobody decides for the others. What keeps an item from having
/// two owners is not the plan but a lock for each item: the work runs with its ``Lease``, is cancelled when the lease is
/// lost, and what it writes through ``Lease/guarded(_:)`` fails once another may own the item. When the members change, an
/// item's work is cancelled here, ends, and gives the lock up; there it has been waiting for it.
///
/// A member that comes and goes moves nothing as long as it is back within ``Settings/settling``.
public final class PartitionAssignment: Service, Sendable {
    /// How eagerly it follows the members.
    public struct Settings: Sendable, Hashable {
        /// For how long the list of members must stay the same before items move.
        public var settling = Duration.seconds(1)
        /// After so long they move although the list goes on changing.
        public var patience = Duration.seconds(10)
        /// How much more than its even part a member may have.
        public var slack = 1.5

        public init() {}
    }

    private let client: ZooKeeperClient
    private let path: String
    private let name: String
    private let items: [String]
    private let settings: Settings
    private let logger: Logger
    private let membership: Membership
    private let work: @Sendable (_ item: String, _ lease: Lease) async throws -> Void
    private let held = Mutex<[String: Lease]>([:])

    /// Makes a member.
    ///
    /// - Parameters:
    ///   - path: The node under which members and locks are; made if missing.
    ///   - name: This member's name; each has its own.
    ///   - items: What is shared; the same for all members.
    ///   - work: What is done with an item for as long as this member owns it. It is cancelled when it has to stop; one
    ///     that returns or throws before is begun again, more slowly each time.
    public init(
        client: ZooKeeperClient, path: String, name: String, items: [String], settings: Settings = Settings(),
        logger: Logger, work: @escaping @Sendable (_ item: String, _ lease: Lease) async throws -> Void
    ) {
        self.client = client
        self.path = path
        self.name = name
        self.items = items
        self.settings = settings
        self.logger = logger
        self.work = work
        membership = Membership(
            client: client, path: ZooKeeperPath.child("members", of: path), name: name, data: [], logger: logger)
    }

    /// The items whose work this member may do now, with their leases.
    public var owned: [String: Lease] { held.withLock { $0 }.filter { $0.value.isValid() } }

    /// Takes part until cancelled or shut down gracefully; then ends all work, gives everything up, and returns.
    ///
    /// - Throws: ``ZooKeeperClient/ZooKeeperError`` when that is hopeless: the client has ended, or access is denied.
    public func run() async throws {
        try await cancelWhenGracefulShutdown {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.membership.run() }
                group.addTask { await self.followMembers() }
                defer { group.cancelAll() }
                try await group.next()
                group.cancelAll()
                do { try await group.waitForAll() } catch is CancellationError {}
            }
        }
    }

    private func followMembers() async {
        await withDiscardingTaskGroup { group in
            // Finishing a stream tells an item's task to stop.
            var running: [String: AsyncStream<Void>.Continuation] = [:]
            for await names in Settled(membership.members(), settings).lists {
                let plan = PartitionPlan(members: names, items: items, slack: settings.slack)
                let mine = Set(plan.items[name] ?? [])
                for (item, stop) in running where !mine.contains(item) {
                    stop.finish()
                    running[item] = nil
                }
                for item in mine where running[item] == nil {
                    let (stop, continuation) = AsyncStream.makeStream(of: Void.self)
                    running[item] = continuation
                    group.addTask { await self.own(item, until: stop) }
                }
                logger.debug(
                    "partition plan",
                    metadata: ["path": "\(path)", "members": "\(names.count)", "mine": "\(mine.count)"])
            }
            group.cancelAll()
        }
    }

    /// Owns an item, or waits to own it, until told to stop.
    private func own(_ item: String, until stop: AsyncStream<Void>) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do { try await self.workRepeatedly(item) } catch {
                    if !(error is CancellationError) {
                        self.logger.debug("partition item", metadata: ["item": "\(item)", "error": "\(error)"])
                    }
                }
            }
            group.addTask { for await _ in stop {} }
            await group.next()
            group.cancelAll()
        }
    }

    private func workRepeatedly(_ item: String) async throws {
        let queue = LeaseQueue(
            client: client, path: ZooKeeperPath.child(Self.nodeName(item), of: ZooKeeperPath.child("items", of: path)),
            identity: Array(name.utf8), kind: "lock-", rule: .exclusive, logger: logger)
        var delay = Duration.milliseconds(10)
        while true {
            let lease: Lease
            do {
                lease = try await queue.acquire()
            } catch let error as ZooKeeperError {
                if error.code == .clientClosed || error.code == .noAuth { throw error }
                try await Task.sleep(for: delay)
                continue
            }
            let began = ContinuousClock.now
            held.withLock { $0[item] = lease }
            do {
                try await lease.run { try await self.work(item, $0) }
            } catch {
                logger.debug("partition work ended", metadata: ["item": "\(item)", "error": "\(error)"])
            }
            _ = held.withLock { $0.removeValue(forKey: item) }
            await queue.release(lease)
            delay = ContinuousClock.now - began > .seconds(2) ? .milliseconds(10) : min(delay * 2, .seconds(1))
            try await Task.sleep(for: delay)
        }
    }

    /// An item as the name of a node.
    static func nodeName(_ item: String) -> String {
        var name = "item-"
        for scalar in item.unicodeScalars {
            if scalar == "/" || scalar == "%" || scalar.value < 0x20 || scalar.value >= 0x7F {
                for byte in String(scalar).utf8 { name += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16) }
            } else {
                name.unicodeScalars.append(scalar)
            }
        }
        return name
    }
}

/// Lists of members that have stayed the same for a while.
private struct Settled {
    let lists: AsyncStream<[String]>

    init(_ members: AsyncStream<[Member]>, _ settings: PartitionAssignment.Settings) {
        let (lists, continuation) = AsyncStream.makeStream(of: [String].self, bufferingPolicy: .bufferingNewest(1))
        self.lists = lists
        // Of its own because a stream has to be filled by somebody; it ends with either stream.
        let task = Task {
            let latest = Latest(nil)
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await list in members { latest.update(list.map(\.name)) }
                    latest.finish()
                }
                var told: [String]?
                var firstChange: ContinuousClock.Instant?
                while !Task.isCancelled, let seen = await latest.next(after: told) {
                    let now = ContinuousClock.now
                    let since = firstChange ?? now
                    firstChange = since
                    // The first list counts at once.
                    if told != nil, now - since < settings.patience {
                        do { try await Task.sleep(for: settings.settling) } catch { break }
                        guard latest.value == seen else {
                            if latest.value == told { firstChange = nil }
                            continue
                        }
                    }
                    firstChange = nil
                    told = seen
                    continuation.yield(seen)
                }
                group.cancelAll()
            }
            continuation.finish()
        }
        continuation.onTermination = { _ in task.cancel() }
    }
}

/// The newest list, for one who waits until it differs from what it knows.
private final class Latest: Sendable {
    private let broadcast: StateBroadcast<[String]?>

    init(_ value: [String]?) { broadcast = StateBroadcast(value, bound: 1) }

    var value: [String]? { broadcast.value }
    func update(_ value: [String]) { broadcast.send(value) }
    func finish() { broadcast.finish() }

    func next(after known: [String]?) async -> [String]? {
        for await value in broadcast.updates() {
            if let value, value != known { return value }
        }
        return nil
    }
}
