/// What the plan in force asks of one member for one item, and what follows from it for the member's place in the queue of
/// the item's lock.
///
/// The lock decides who owns an item: the first in its queue. A member enters the queue and leaves it by these rules, so
/// that behind the owner there stands the member that is to have the item next, and nobody between them:
///
///     outside ──own; stand by, and the owner is in the queue──▶ waiting ──first in the queue──▶ owning
///       ▲ ▲                                                       │                               │
///       │ └──stand by, and the owner is behind; hand over; stop───┘                               │
///       └────the member that should own it is next (stand by, hand over); stop────────────────────┘
///
/// So an owner that the plan takes an item from keeps it until the next owner waits for it. A runner-up that has an item
/// because its owner's node went gives it back if that owner returns before there is another plan.
enum PartitionDuty: Hashable, Sendable {
    /// The item is this member's.
    case own
    /// The item is another's, and this member its runner-up.
    case standBy(for: String)
    /// The item is another's. If this member owns it still, it keeps it until that one waits for it.
    case handOver(to: String)
    /// There is no such item, or this member does not know it.
    case stop

    /// - Parameter item: One that the member knows.
    init(of item: String, for name: String, by plan: PartitionPlan, runnerUp: String?) {
        guard let owner = plan.owner(of: item) else {
            self = .stop
            return
        }
        self = owner == name ? .own : runnerUp == name ? .standBy(for: owner) : .handOver(to: owner)
    }

    /// Whether a member that is not in the queue never enters it by this duty.
    var isOver: Bool {
        switch self {
        case .own, .standBy: false
        case .handOver, .stop: true
        }
    }

    /// Whether who is in the queue makes a difference.
    var dependsOnQueue: Bool {
        switch self {
        case .standBy, .handOver: true
        case .own, .stop: false
        }
    }

    /// Whether a member that is outside should enter.
    ///
    /// - Parameter queue: The names in the queue, the owner first.
    func mayEnter(_ queue: [String]) -> Bool {
        switch self {
        case .own: true
        // Behind it: before it, it would be the owner.
        case .standBy(let owner): queue.contains(owner)
        case .handOver, .stop: false
        }
    }

    /// Whether a member that waits or owns should leave.
    ///
    /// - Parameter queue: As far as it depends on it (``dependsOnQueue``): the names in the queue, the owner first. The
    ///   last of this member's is its own, any before it are those of its sessions that have ended.
    func mustLeave(_ queue: [String], as name: String) -> Bool {
        let own = queue.lastIndex(of: name)
        switch self {
        case .own: return false
        case .stop: return true
        case .standBy(let owner):
            // On its way into the queue.
            guard let own else { return false }
            if own == 0 { return queue.dropFirst().first == owner }
            return queue.contains(owner) && !queue[..<own].contains(owner)
        case .handOver(let owner): return own != 0 || queue.dropFirst().first == owner
        }
    }
}
