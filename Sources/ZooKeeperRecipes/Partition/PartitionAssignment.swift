public import Logging
public import ServiceLifecycle
import Synchronization
public import ZooKeeperClient
import ZooKeeperProtocol

/// Shares items among the members that are there: each runs the work of those that the plan gives it.
///
/// The plan (``PartitionPlan``) is kept in the tree, in the node `plan` below the recipe's path, as text. When the members
/// or their items change, one of them replaces it by the plan that follows it, if it is still the one that was read, and
/// all go by what stands there. So one of n members leaving moves its own items and no others, never more than 2/n of
/// all; one that comes takes its even part; all leaving and coming back moves nothing. Where the node is missing or holds
/// no plan, the members write the one that remembers nothing, and go on from there.
///
/// What keeps an item from having two owners is not the plan but a lock for each item: the work runs with its ``Lease``,
/// is cancelled when the lease is lost, and what it writes through ``Lease/guarded(_:)`` fails once another may own the
/// item. When the plan takes an item from a member, its work is cancelled, ends, and gives the lock up; there the next
/// owner has been waiting for it.
///
/// A member that comes and goes moves nothing as long as it is back within ``Settings/settling``.
///
/// All members should have the same items. While they do not, as when they are given new ones one after another, the plan
/// has the items of all; one whose turn comes at a member that does not know it waits until that member does. A plan that
/// does not fit into a node (1 MB: about 30,000 items with names of 30 bytes) is not kept; the members then go by
/// the one that remembers nothing, whose promise is weaker (``PartitionPlan``) but holds for so many items.
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
    private let planInForce = Mutex<PartitionPlan?>(nil)

    /// Makes a member.
    ///
    /// - Parameters:
    ///   - path: The node under which members, locks and the plan are; made if missing.
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
            client: client, path: ZooKeeperPath.child("members", of: path), name: name,
            data: PartitionKeeping.digest(items), logger: logger)
    }

    /// The items whose work this member may do now, with their leases.
    public var owned: [String: Lease] { held.withLock { $0 }.filter { $0.value.isValid() } }

    /// The plan that this member goes by, as last read in the tree; nil before the first look.
    public var plan: PartitionPlan? { planInForce.withLock { $0 } }

    /// Takes part until cancelled or shut down gracefully; then ends all work, gives everything up, and returns.
    ///
    /// - Throws: ``/ZooKeeperClient/ZooKeeperError`` when that is hopeless: the client has ended, or access is denied.
    public func run() async throws {
        try await cancelWhenGracefulShutdown {
            // Fails with an item's task; nothing else comes through it.
            let (failures, failing) = AsyncThrowingStream.makeStream(of: Never.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.membership.run() }
                group.addTask { try await self.followPlan(failing) }
                group.addTask { for try await _ in failures {} }
                defer { group.cancelAll() }
                try await group.next()
                group.cancelAll()
                do { try await group.waitForAll() } catch is CancellationError {}
            }
        }
    }

    private func followPlan(_ failing: AsyncThrowingStream<Never, any Error>.Continuation) async throws {
        let members = StateBroadcast<[Member]>([], bound: 1)
        do {
            try await withThrowingDiscardingTaskGroup { group in
                group.addTask { for await list in self.membership.members() { members.send(list) } }
                // Finishing a stream tells an item's task to stop.
                var running: [String: AsyncStream<Void>.Continuation] = [:]
                try await keepPlan(with: members) { plan in
                    let mine = Set(plan.items[self.name] ?? []).intersection(self.items)
                    for (item, stop) in running where !mine.contains(item) {
                        stop.finish()
                        running[item] = nil
                    }
                    for item in mine where running[item] == nil {
                        let (stop, continuation) = AsyncStream.makeStream(of: Void.self)
                        running[item] = continuation
                        group.addTask { await self.own(item, until: stop, failing) }
                    }
                    self.logger.debug(
                        "partition plan",
                        metadata: [
                            "path": "\(self.path)", "members": "\(plan.items.count)", "mine": "\(mine.count)",
                        ])
                }
            }
        } catch is CancellationError {}
    }

    /// Reads the plan whenever it changes, and replaces it when it does not fit.
    ///
    /// Two loops: the outer one reads the node anew each time; the inner one goes on with what was read for as long as
    /// the node's watch is silent, while members come and go and time passes.
    private func keepPlan(
        with members: StateBroadcast<[Member]>, adopt: (PartitionPlan) -> Void
    ) async throws {
        let node = PartitionNode(client: client, path: ZooKeeperPath.child("plan", of: path))
        var keeping = PartitionKeeping(name: name, items: items, settings: settings)
        var attempt = Attempt(.service)
        var wasAgreed = true
        while true {
            try Task.checkCancellation()
            do {
                let (seen, watch) = try await node.read()
                keeping.planSeen(seen, at: .now)
                while !watch.hasFired {
                    let list = members.value
                    keeping.membersSeen(list, at: .now)
                    if wasAgreed != keeping.isAgreedOnItems {
                        wasAgreed = keeping.isAgreedOnItems
                        logger.info(
                            "members share the same items", metadata: ["path": "\(path)", "same": "\(wasAgreed)"])
                    }
                    let step = keeping.step(at: .now)
                    if let plan = keeping.plan, plan != self.plan {
                        planInForce.withLock { $0 = plan }
                        adopt(plan)
                    }
                    switch step {
                    case .wait(let deadline):
                        await waitForChange(of: watch, of: members, since: list, until: deadline)
                        try Task.checkCancellation()
                        continue  // with the same plan, unless the watch has fired
                    case .write(let data, let version):
                        do {
                            try await node.write(data, over: version)
                        } catch let error as ZooKeeperError where error.code == .requestTooLarge {
                            keeping.planWasTooLarge()
                            continue  // with the same plan, which nothing has replaced
                        }
                    }
                    // Out of the inner loop, to read the node again: that shows whether this member has written it or
                    // a faster one, and the event may not be here yet.
                    break
                }
                attempt = Attempt(.service)
            } catch let error as ZooKeeperError {
                logger.debug("partition plan", metadata: ["path": "\(path)", "error": "\(error)"])
                try await attempt.failed(error)
            }
        }
    }

    private func waitForChange(
        of watch: Watch, of members: StateBroadcast<[Member]>, since list: [Member],
        until deadline: ContinuousClock.Instant?
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { _ = try? await watch.next() }
            group.addTask { for await now in members.updates() where now != list { return } }
            if let deadline { group.addTask { try? await Task.sleep(until: deadline, clock: .continuous) } }
            await group.next()
            group.cancelAll()
        }
    }

    /// Owns an item, or waits to own it, until told to stop.
    ///
    /// - Parameter failing: Is told why it never can: nobody would do the item's work, and nobody else be asked to.
    private func own(
        _ item: String, until stop: AsyncStream<Void>, _ failing: AsyncThrowingStream<Never, any Error>.Continuation
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await self.workRepeatedly(item)
                } catch {
                    if !(error is CancellationError) { failing.finish(throwing: error) }
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
        var attempt = Attempt(.service)
        var delay = Duration.milliseconds(10)
        while true {
            let lease: Lease
            do {
                lease = try await queue.acquire()
            } catch let error as ZooKeeperError {
                logger.info("partition item", metadata: ["item": "\(item)", "error": "\(error)"])
                try await attempt.failed(error)
                continue
            }
            attempt = Attempt(.service)
            let began = ContinuousClock.now
            held.withLock { $0[item] = lease }
            do {
                try await lease.run { try await self.work(item, $0) }
            } catch is CancellationError {
            } catch let lost as LeaseLost {
                logger.debug("partition work ended", metadata: ["item": "\(item)", "error": "\(lost)"])
            } catch {
                logger.info("partition work ended", metadata: ["item": "\(item)", "error": "\(error)"])
            }
            // The work may have begun again under another lease.
            held.withLock { if $0[item] == lease { $0[item] = nil } }
            await queue.releaseAndWait(lease)
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
