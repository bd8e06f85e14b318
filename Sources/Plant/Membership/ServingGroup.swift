/// Which of the members may own shards and process alarms: a pure function of what all of them see, so that all come to
/// the same answer.
///
/// 1. The ready ones; where none is ready, all (an owner then keeps what it has: ``OwnershipDesk``).
/// 2. Of those, the ones whose routes are those of the longest registered. A member that does not say what its routes are
///    counts as equal.
/// 3. Of those, the settled ones: a newcomer waits until an older one that heard what the newcomer did not has written it
///    into the tree. Where none is settled, or an older gateway is among them (it would not wait), all.
public struct ServingGroup: Sendable, Hashable {
    /// Whether anybody is ready at all.
    public let isAnyReady: Bool
    /// The members that may serve, by 1 and 2, newcomers included.
    public let eligible: Set<String>
    /// Those that shards are divided among.
    public let serving: Set<String>
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
        serving =
            settled.isEmpty || equal.contains(where: \.isOlder) ? eligible : Set(settled.map(\.name))
    }
}
