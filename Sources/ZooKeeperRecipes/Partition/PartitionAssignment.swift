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
/// item. When the plan takes an item from a member, that member keeps it until the next owner waits for its lock; then the
/// work is cancelled, ends, and gives the lock up.
///
/// Each item has a runner-up (``PartitionPlan/runnersUp(slack:)``), which waits behind the owner in the lock's queue. When
/// the owner's node goes, because its session ended or because somebody deleted the node, the runner-up has the item at
/// once. If the owner is back within ``Settings/settling``, the item returns to it; otherwise the plan that follows confirms
/// the runner-up. So a member that comes and goes within that time moves the work of its items twice; where work had better
/// wait for its member, ``Settings/standsBy`` is set to false at all members. An item whose owner and runner-up die together
/// waits for that plan.
///
/// A member has a weight (``setWeight(_:)``) and can say that it is about to leave (``drain()``). A change of either takes
/// effect as the coming of a member does: after ``Settings/settling``, by the plan that follows.
///
/// All members should have the same items. While they do not, as when they are given new ones one after another
/// (``setItems(_:)``), the plan has the items of all; one whose turn comes at a member that does not know it stays where it
/// is until that member does. A plan that does not fit into a node (1 MB: about 30,000 items with names of 30 bytes), or that
/// is for more than 1,000 members, weights of 10,000 in all, or 400 million as the product of weights and items, is not
/// kept; the members then go by the one that remembers nothing, whose promise is weaker (``PartitionPlan``) but holds for
/// so many items; and while their items differ, there are no runners-up.
///
/// The parents of the items' locks stay in the tree, one small node for each name that ever was an item: items should not
/// be named by what never comes again, such as a time.
public final class PartitionAssignment: Service, Sendable {
    let client: ZooKeeperClient
    let path: String
    let name: String
    let logger: Logger
    let work: @Sendable (_ item: String, _ lease: Lease) async throws -> Void
    let held = Mutex<[PartitionItemName: Lease]>([:])
    /// Told of each item that was given up, of each plan, and of what ``setDraining(_:)`` says.
    let progress = StateBroadcast<Void>((), bound: 1)
    let settings: Settings
    let membership: Membership
    let share: Mutex<PartitionShare>
    let shareChanges = StateBroadcast<Void>((), bound: 1)
    let planInForce = Mutex<PartitionPlan?>(nil)

    /// Makes a member.
    ///
    /// - Parameters:
    ///   - path: The node under which members, locks and the plan are; made if missing.
    ///   - name: This member's name; each has its own.
    ///   - items: What is shared; the same for all members. ``setItems(_:)`` changes it.
    ///   - settings: Its weight must be one of ``PartitionPlan/Member/weights``.
    ///   - work: What is done with an item for as long as this member owns it. It is cancelled when it has to stop; one
    ///     that returns or throws before is begun again, more slowly each time, under the same lease: an item whose work
    ///     cannot be done here stays here.
    public init(
        client: ZooKeeperClient, path: String, name: String, items: [String], settings: Settings = Settings(),
        logger: Logger, work: @escaping @Sendable (_ item: String, _ lease: Lease) async throws -> Void
    ) {
        self.client = client
        self.path = path
        self.name = name
        Self.expectWeight(settings.weight)
        self.settings = settings
        self.logger = logger
        self.work = work
        let share = PartitionShare(items: items, weight: settings.weight)
        self.share = Mutex(share)
        membership = Membership(
            client: client, path: ZooKeeperPath.child("members", of: path), name: name, data: share.data,
            logger: logger)
    }

    /// The items whose work this member may do now, with their leases.
    public var owned: [String: Lease] {
        Dictionary(
            held.withLock { $0 }.filter { $0.value.isValid() }.map { ($0.text, $1) },
            uniquingKeysWith: { first, _ in first })
    }

    /// The plan that this member goes by, as last read in the tree; nil before the first look.
    public var plan: PartitionPlan? { planInForce.withLock { $0 } }

    /// What is shared, as this member knows it: each item once.
    public var items: [String] { share.withLock { $0.items } }

    /// Gives this member another list of items, before it runs or while it does.
    ///
    /// Each member is given its list at its own time. Items that are new get an owner by the next plan; until then, and as
    /// long as their owner does not know them, their work is not done. The work of items that are gone ends here as soon as
    /// the servers answer; while they do not, it runs for as long as its lease is valid. A member that still knows one
    /// may take it up until its own list changes. Of the others, only those move that a member has no room for, now that
    /// its even part is smaller.
    public func setItems(_ items: [String]) { changeShare { $0.items = items } }

    /// How many times as many items as a member of weight 1 this member should have.
    public var weight: Int { share.withLock { $0.weight } }

    /// Changes this member's weight, before it runs or while it does. By the next plan a member whose weight rises takes up
    /// to its even part from those that have most; one whose weight falls gives up what exceeds it.
    ///
    /// - Parameter weight: One of ``PartitionPlan/Member/weights``; any other is a mistake of the caller's, and a trap.
    public func setWeight(_ weight: Int) {
        Self.expectWeight(weight)
        changeShare { $0.weight = weight }
    }

    /// Whether this member has said that it is about to leave.
    public var isDraining: Bool { share.withLock { $0.isDraining } }

    /// Says that this member is about to leave, or that it stays after all; ``drain()`` waits for the result, too.
    ///
    /// By the next plan the items of a draining member go to the others; it owns each of them until the next owner waits
    /// for it, and is given no new ones. One that stays after all takes its even part. While all members drain, or there
    /// is no other, each keeps what it has.
    public func setDraining(_ isDraining: Bool) {
        changeShare { $0.isDraining = isDraining }
        progress.send(())
    }

    /// Says that this member is about to leave, and returns when it owns nothing: then it can be stopped, and nothing moves.
    ///
    /// It does not return while there is no member that could take the items, or that does: give it a limit of time, and
    /// stop the member all the same after that. Call it while ``run()`` runs; it returns when that ends, too.
    ///
    /// - Throws: `CancellationError`. When the caller's task was cancelled, the member still drains; the other cause is
    ///   that ``setDraining(_:)`` was called with false.
    public func drain() async throws {
        setDraining(true)
        for await _ in progress.updates() {
            // Somebody wants it to stay.
            if !isDraining { throw CancellationError() }
            if isDrained { return }
        }
        try Task.checkCancellation()
    }

    private var isDrained: Bool {
        guard let plan, plan.members[name]?.isDraining == true, plan.items[name] == [] else { return false }
        return held.withLock { $0.isEmpty }
    }

    private func changeShare(_ change: (inout PartitionShare) -> Void) {
        share.withLock { change(&$0) }
        shareChanges.send(())
    }

    private static func expectWeight(_ weight: Int) {
        precondition(
            PartitionPlan.Member.weights.contains(weight),
            "a weight of \(weight) is not in \(PartitionPlan.Member.weights)")
    }

    /// Takes part until cancelled or shut down gracefully; then ends all work, gives everything up, and returns. It is called
    /// once in the life of an object.
    ///
    /// - Throws: ``/ZooKeeperClient/ZooKeeperError`` when that is hopeless: the client has ended, or access is denied.
    public func run() async throws {
        defer { progress.finish() }
        try await cancelWhenGracefulShutdown {
            // Fails with an item's task; nothing else comes through it.
            let (failures, failing) = AsyncThrowingStream.makeStream(of: Never.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.membership.run() }
                group.addTask { try await self.showShare() }
                group.addTask { try await self.followPlan(failing) }
                group.addTask { for try await _ in failures {} }
                defer { group.cancelAll() }
                try await group.next()
                group.cancelAll()
                do { try await group.waitForAll() } catch is CancellationError {}
            }
        }
    }
}
