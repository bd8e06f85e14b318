import ZooKeeperClient

/// How one member keeps the plan in the tree in step with who is there: a value that is told what was seen and says what
/// is to be done.
///
/// What counts is the plan in the tree. A member works by it, whoever wrote it, and replaces it only where it does not fit
/// (*flawed*), by the plan that follows it, and only in the version that was read: of all who try, one succeeds, and the
/// others go by what that one wrote.
///
/// States: *fitting* → *flawed*, when somebody comes or goes, a list of items changes, or the node is missing or nothing
/// that can be read → *fitting*, when a plan that fits is read, one's own or another's. Flawed, a member waits until
/// what it sees has stayed the same for a while (``PartitionAssignment/Settings/settling``), and by its rank among the
/// members a little longer, so that mostly one writes. Who has seen no plan yet, and finds none, does not wait: there is
/// nothing to keep still. Nobody writes more often than once in `settling`, so that not even members who could never
/// agree would load the tree.
///
/// Members show a digest of their list of items. While all have the same, the plan is for exactly that list. While they
/// differ, everybody adds what it misses and nobody takes anything away, so that the plan comes to rest. They show their
/// weights and whether they drain as well; a plan that was made for others does not fit.
struct PartitionKeeping {
    enum Step: Hashable {
        /// There is nothing to do before then; before something else is seen, when nil.
        case wait(until: ContinuousClock.Instant?)
        /// The node's data is to be replaced if it still has this version; the node is to be made, when nil.
        case write(PartitionNode.Content, over: PartitionNode.Version?)
    }

    private enum Node: Hashable {
        case missing
        case garbled(version: PartitionNode.Version)
        case plan(PartitionPlan, version: PartitionNode.Version)
    }

    private let name: String
    private var items: [String] = []
    private var itemSet: Set<PartitionItemName> = []
    private var digest = ""
    private let settings: PartitionAssignment.Settings
    private let maximumLength: Int

    /// By name.
    private var members: [PartitionShare.Shown] = []
    private var node: Node?
    /// Since when the plan in the tree does not fit; nil while it does.
    private var flawedSince: ContinuousClock.Instant?
    private var lastChange: ContinuousClock.Instant?
    private var lastWrite: ContinuousClock.Instant?
    /// The plan that would fit is too large for a node.
    private var isTooLarge = false
    /// The plan to work by: as last read in the tree. When a plan would be too large for a node, the one that everybody
    /// computes alike.
    private(set) var plan: PartitionPlan?
    /// Whether ``plan`` was computed here, because it does not fit into a node.
    private var isComputed = false

    init(
        name: String, items: [String], settings: PartitionAssignment.Settings,
        maximumLength: Int = PartitionRecord.maximumLength
    ) {
        self.name = name
        self.settings = settings
        self.maximumLength = maximumLength
        take(items)
    }

    private mutating func take(_ items: [String]) {
        self.items = items.uniqueItems()
        itemSet = Set(items.map { PartitionItemName($0) })
        digest = PartitionShare.digest(items)
    }

    // MARK: What was seen

    /// This member's own items are others now.
    mutating func itemsChanged(_ items: [String], at now: ContinuousClock.Instant) {
        guard !items.elementsEqual(self.items, by: { $0.utf8.elementsEqual($1.utf8) }) else { return }
        take(items)
        changed(at: now)
    }

    mutating func membersSeen(_ list: [Member], at now: ContinuousClock.Instant) {
        var seen: Set<String> = []
        // Of two spellings of one name the plan has one.
        let list = list.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
            .filter { seen.insert($0.name).inserted }
            .map { PartitionShare.shown($0.data, name: $0.name) }
        // A member in a new session is the same member.
        guard list != members else { return }
        members = list
        changed(at: now)
    }

    /// - Parameter node: nil when there is none.
    mutating func planSeen(
        _ node: (content: PartitionNode.Content, version: PartitionNode.Version)?, at now: ContinuousClock.Instant
    ) {
        let seen: Node =
            if let node {
                if let plan = PartitionRecord.plan(node.content.plan, basis: node.content.basis) {
                    .plan(plan, version: node.version)
                } else {
                    .garbled(version: node.version)
                }
            } else {
                .missing
            }
        guard seen != self.node else { return }
        self.node = seen
        if case .plan(let plan, _) = seen {
            self.plan = plan
            isComputed = false
        }
        changed(at: now)
    }

    /// What ``step(at:)`` wanted to be written is more than a request may hold.
    mutating func planWasTooLarge() {
        isTooLarge = true
        isComputed = true
        plan = PartitionPlan(members: members.map(\.member), items: items, slack: settings.slack)
    }

    private mutating func changed(at now: ContinuousClock.Instant) {
        lastChange = now
        isTooLarge = false
        flawedSince = isFlawed() ? flawedSince ?? now : nil
    }

    // MARK: What is to be done

    mutating func step(at now: ContinuousClock.Instant) -> Step {
        guard let flawedSince, let lastChange, !isTooLarge else { return .wait(until: nil) }
        let rank = members.firstIndex { $0.member.name == name } ?? 0
        var due = plan == nil ? flawedSince : min(lastChange + settings.settling, flawedSince + settings.patience)
        due += settings.settling / 2 * rank / max(1, members.count)
        if let lastWrite { due = max(due, lastWrite + settings.settling) }
        guard now >= due else { return .wait(until: due) }
        let successor = successor()
        let content = PartitionNode.Content(
            plan: PartitionRecord.data(successor), basis: PartitionBasis.data(successor))
        guard content.plan.count <= maximumLength, successor.isWithinLimits else {
            planWasTooLarge()
            return .wait(until: nil)
        }
        lastWrite = now
        return .write(content, over: version)
    }

    /// Whether the members, as far as this one sees, have its list of items.
    var isAgreedOnItems: Bool { members.allSatisfy { $0.digest == digest } }

    /// Whether the plan's runners-up are the same for all members. Where each computes the plan from its own items, two
    /// members could each be the other's runner-up, and hand the item to each other for as long as their items differ.
    var namesRunnersUp: Bool { !isComputed || isAgreedOnItems }

    private func isFlawed() -> Bool {
        // Whoever is not there yet, or no longer, leaves the plan to those who are.
        guard let node, members.contains(where: { $0.member.name == name }) else { return false }
        guard case .plan(let plan, _) = node else { return true }
        guard plan.items.count == members.count, members.allSatisfy({ plan.members[$0.member.name] == $0.member })
        else {
            return true
        }
        return !itemSet.allSatisfy { plan.owner(of: $0.text) != nil }
            || plan.itemCount != itemSet.count && isAgreedOnItems
    }

    private func successor() -> PartitionPlan {
        let traits = members.map(\.member)
        guard case .plan(let earlier, _) = node else {
            return PartitionPlan(members: traits, items: items, slack: settings.slack)
        }
        var all = items
        if !isAgreedOnItems {
            all += earlier.items.values.joined().filter { !itemSet.contains(PartitionItemName($0)) }
                .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        }
        return PartitionPlan(members: traits, items: all, after: earlier, slack: settings.slack)
    }

    private var version: PartitionNode.Version? {
        switch node {
        case .missing, nil: nil
        case .garbled(let version), .plan(_, let version): version
        }
    }
}
