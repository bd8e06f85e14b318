/// Which of the members may own shards and process alarms: a pure function of what all of them see, so that all come to
/// the same answer.
///
/// 1. The ready ones; where none is ready, all (an owner then keeps what it has: ``OwnershipDesk``).
/// 2. Of those, the ones whose routes are those of the longest registered. A member that does not say what its routes are
///    counts as equal.
/// 3. Of those, the settled ones: a newcomer waits until an older one that heard what the newcomer did not has written it
///    into the tree. Where none is settled, or an older gateway is among them (it would not wait), all.
/// 4. Of those, the ones that do not drain; where all do, all: nothing is given up that nobody takes.
public struct ServingGroup: Sendable, Hashable {
    /// Whether anybody is ready at all.
    public let isAnyReady: Bool
    /// The members that may serve, by 1 and 2, newcomers and those that drain included.
    public let eligible: Set<String>
    /// Those that shards are divided among.
    public let serving: Set<String>
    /// Eligible members that drain, while others serve in their place.
    public let leaving: Set<String>
    /// The longest registered member that says what its routes are, of those by 1; nil where none says so.
    public let leader: String?
    /// The routes of the group; nil where nobody says what they are.
    public let routesDigest: String?

    public init(_ members: [GatewayMember]) {
        let ready = members.filter(\.isReady)
        isAnyReady = !ready.isEmpty
        let pool = isAnyReady ? ready : members
        let leader = pool.filter { $0.routesDigest != nil }.min {
            ($0.registration, $0.name) < ($1.registration, $1.name)
        }
        self.leader = leader?.name
        routesDigest = leader?.routesDigest
        let equal = pool.filter { $0.routesDigest == nil || $0.routesDigest == leader?.routesDigest }
        eligible = Set(equal.map(\.name))
        let settled = equal.filter(\.isSettled)
        let able = settled.isEmpty || equal.contains(where: \.isOlder) ? equal : settled
        let staying = able.filter { !$0.isDraining }
        serving = Set((staying.isEmpty ? able : staying).map(\.name))
        leaving = staying.isEmpty ? [] : Set(equal.filter(\.isDraining).map(\.name))
    }

    /// What speaks against giving a member more work.
    public enum Hindrance: Sendable, Hashable {
        case unready
        /// Its routes are not those of this member.
        case otherRoutes(than: String)
        case draining
        /// A newcomer, which waits for those that were there before.
        case settling
    }

    /// What speaks against giving a member of this group more work; nil when nothing does.
    public func hindrance(of member: GatewayMember) -> Hindrance? {
        if !member.isReady { return .unready }
        if !eligible.contains(member.name) { return .otherRoutes(than: leader ?? "") }
        if member.isDraining { return .draining }
        return serving.contains(member.name) ? nil : .settling
    }
}

extension ServingGroup.Hindrance: CustomStringConvertible {
    /// To follow a gateway's name.
    public var description: String {
        switch self {
        case .unready: "does not hear the broker"
        case .otherRoutes(let leader): "has other routes than \(leader)"
        case .draining: "drains"
        case .settling: "has just started, or has just lost what the broker kept for it"
        }
    }
}
