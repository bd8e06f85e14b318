import Plant
import Primitives
import TestFixtures
import Testing

@Suite("Sharding")
struct ShardMapTests {
    @Test("Shards that must never change: devices would move")
    func frozen() throws {
        let paths = ["factory/line1/press1", "factory/line1/press2", "factory/line2/conveyor1", "skab/valve1", "é"]
        let shards = try paths.map { ShardMap.shard(of: try TagPath($0)) }
        #expect(shards == [36, 19, 54, 44, 39])
        #expect(ShardMap.nodeName(7) == "07")
        #expect(ShardMap.nodeName(63) == "63")
    }

    @Test("Similar names spread evenly")
    func spread() {
        var load = [Int](repeating: 0, count: 64)
        for line in 0..<80 {
            for machine in 0..<80 { load[ShardMap.shard(ofBytes: "factory/line\(line)/machine\(machine)".utf8)] += 1 }
        }
        // 100 a shard; five standard deviations either way.
        #expect(load.allSatisfy { (50...150).contains($0) }, "\(load)")
    }

    private func owners(_ plan: [String: [Int]]) -> [Int: String] {
        var owners: [Int: String] = [:]
        for (member, shards) in plan { for shard in shards { owners[shard] = member } }
        return owners
    }

    @Test("Every shard has one owner, nobody more than the capacity, whatever the order of the members")
    func complete() {
        var random = SeededRandom(seed: 6)
        for count in [1, 2, 3, 4, 5, 6, 7, 8, 13, 16, 40, 64, 70] {
            let members = (0..<count).map { "gateway-\($0)-\(UInt16.random(in: 0...UInt16.max, using: &random))" }
            let plan = ShardMap.assignment(members: members)
            #expect(plan.values.flatMap { $0 }.sorted() == Array(0..<64), "\(members)")
            #expect(plan.values.allSatisfy { $0.count <= ShardMap.capacity(members: count) }, "\(members)")
            #expect(plan.count == count)
            #expect(
                ShardMap.assignment(members: members.shuffled(using: &random) + members.prefix(2)) == plan, "\(members)"
            )
        }
        #expect(ShardMap.assignment(members: []).isEmpty)
        #expect([1, 2, 3, 4, 6, 7, 8].map { ShardMap.capacity(members: $0) } == [64, 32, 22, 16, 11, 11, 9])
    }

    @Test("A plan that must not change: gateways of two versions share one plant")
    func frozenPlan() {
        let plan = ShardMap.assignment(members: ["gw-a", "gw-b", "gw-c"])
        #expect(plan["gw-a"]?.prefix(6) == [3, 4, 6, 7, 8, 15])
        #expect(plan.mapValues(\.count) == ["gw-a": 22, "gw-b": 20, "gw-c": 22])
    }

    @Test("When one of n leaves, at most two n-ths of the shards move, and all of its own", arguments: 2...16)
    func leaving(count: Int) {
        var random = SeededRandom(seed: UInt64(count))
        var moves: [Int] = []
        for _ in 0..<20 {
            let members = (0..<count).map { _ in "gw-\(UInt32.random(in: 0...UInt32.max, using: &random))" }
            let before = owners(ShardMap.assignment(members: members))
            let after = owners(ShardMap.assignment(members: Array(members.dropFirst())))
            moves.append((0..<64).filter { before[$0] != after[$0] }.count)
        }
        let worst = moves.max() ?? 0
        if count <= 12 { #expect(worst * count <= 128, "\(moves)") }
        #expect(moves.reduce(0, +) * count <= 128 * moves.count, "\(moves)")
    }
}
