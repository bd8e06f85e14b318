import Plant

/// A view of the gateways `a`, `b`, `c`, and a desk that sits at `a`.
struct OwnershipBench {
    static let shards = 8
    var desk: OwnershipDesk
    var now: Milliseconds = 0
    var members: [GatewayMember] = []
    var queues = [[String]](repeating: [], count: OwnershipBench.shards)

    init(rule: OwnershipDesk.Rule = .init(), digest: String = "r1") {
        desk = OwnershipDesk(
            me: GatewayLife(gateway: "a", key: "1"), started: 100, routesDigest: digest, rule: rule,
            shardCount: Self.shards, at: 0)
    }

    static func member(
        _ name: String, life: String = "1", registration: Int64 = 10, ready: Bool = true, settled: Bool = true,
        digest: String? = "r1", started: Milliseconds = 100, older: Bool = false, weight: Int = 1,
        draining: Bool = false
    ) -> GatewayMember {
        GatewayMember(
            name: name, life: GatewayLife(gateway: name, key: life), registration: registration, isReady: ready,
            isSettled: settled, routesDigest: digest, started: started, isOlder: older,
            weight: weight, isDraining: draining)
    }

    mutating func see(_ members: GatewayMember...) {
        self.members = members
        desk.membersSeen(members, at: now)
    }

    mutating func link(_ isUp: Bool) { desk.linkChanged(isUp: isUp, at: now) }

    mutating func pass(_ time: Milliseconds) {
        now += time
        desk.advance(to: now)
    }

    /// All shards have this queue.
    mutating func queue(_ names: String...) {
        queues = Array(repeating: names, count: Self.shards)
        desk.queuesSeen(queues, at: now)
    }

    /// What falls to a when these share.
    func share(_ names: String...) -> Set<Int> {
        Set(ShardMap.assignment(members: names, shards: Self.shards)["a"] ?? [])
    }

    static let all = Set(0..<shards)
}
