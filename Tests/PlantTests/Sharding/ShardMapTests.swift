import Primitives
import TestFixtures
import Testing

@testable import Plant

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

    @Test(
        "When one of n leaves, two n-ths of the shards move on average at most, and hardly more ever", arguments: 2...16
    )
    func leaving(count: Int) {
        var random = SeededRandom(seed: UInt64(count))
        var moves: [Int] = []
        for _ in 0..<100 {
            let members = Self.names(count, using: &random)
            let before = owners(ShardMap.assignment(members: members))
            let after = owners(ShardMap.assignment(members: Array(members.dropFirst())))
            moves.append((0..<64).filter { before[$0] != after[$0] }.count)
        }
        let worst = moves.max() ?? 0
        if count <= 12 { #expect(worst <= 128 / count + 3, "\(moves)") }
        #expect(moves.reduce(0, +) * count <= 128 * moves.count, "\(moves)")
    }

    private static func names(_ count: Int, using random: inout SeededRandom) -> [String] {
        (0..<count).map { _ in "gw-\(UInt32.random(in: 0...UInt32.max, using: &random))" }
    }

    // MARK: Weights

    private static func weights(_ count: Int, upTo most: Int, using random: inout SeededRandom) -> [String: Int] {
        Dictionary(
            names(count, using: &random).map { ($0, Int.random(in: 1...most, using: &random)) }
        ) { first, _ in first }
    }

    @Test("With the weight 1 for all, the plan is the one of versions that know no weights")
    func equalWeights() {
        let members = ["gw-a", "gw-b", "gw-c"]
        let weights = Dictionary(uniqueKeysWithValues: members.map { ($0, 1) })
        #expect(ShardMap.assignment(weights: weights) == ShardMap.assignment(members: members))
    }

    @Test("A plan by weight that must not change either")
    func frozenWeightedPlan() {
        let plan = ShardMap.assignment(weights: ["gw-a": 2, "gw-b": 1, "gw-c": 5])
        #expect(plan.mapValues(\.count) == ["gw-a": 16, "gw-b": 8, "gw-c": 40])
        #expect(plan["gw-b"] == [1, 5, 22, 30, 49, 50, 53, 61])
    }

    @Test("Each shard has one owner, and each member its part by weight, rounded up, at most", arguments: [2, 4, 100])
    func partsByWeight(most: Int) {
        var random = SeededRandom(seed: UInt64(most))
        for count in [1, 2, 3, 5, 7, 12, 64, 80] {
            let weights = Self.weights(count, upTo: most, using: &random)
            let total = weights.values.reduce(0, +)
            let plan = ShardMap.assignment(weights: weights)
            #expect(plan.values.flatMap { $0 }.sorted() == Array(0..<64), "\(weights)")
            #expect(Set(plan.keys) == Set(weights.keys))
            for (name, shards) in plan {
                let part = (64 * weights[name, default: 0] + total - 1) / total
                #expect(shards.count <= part + (count > 6 ? 1 : 0), "\(name) of \(weights)")
            }
        }
    }

    @Test("A member gets its part by weight on average: three times the weight, three times the shards")
    func proportional() {
        var random = SeededRandom(seed: 3)
        var heavy = 0
        for _ in 0..<50 {
            let names = Self.names(4, using: &random)
            let plan = ShardMap.assignment(weights: [names[0]: 3, names[1]: 1, names[2]: 1, names[3]: 1])
            heavy += plan[names[0]]?.count ?? 0
        }
        // 32 of 64 each time; the bounded load leaves a little to the others.
        #expect((28 * 50...32 * 50).contains(heavy), "\(heavy)")
    }

    @Test("One of weight 0 takes nothing as long as there is another; where all have 0 they share")
    func weightZero() {
        let plan = ShardMap.assignment(weights: ["a": 0, "b": 1, "c": 0])
        #expect(plan == ["a": [], "b": Array(0..<64), "c": []])
        let all = ShardMap.assignment(weights: ["a": 0, "b": 0])
        #expect(all == ShardMap.assignment(members: ["a", "b"]))
        // What a record cannot hold is bounded here, too.
        #expect(ShardMap.assignment(weights: ["a": -5, "b": .max])["b"]?.count == 64)
    }

    @Test(
        "When a member joins, leaves or gets another weight, twice that part moves and less than ten shards besides",
        arguments: [1, 4, 100], [2, 3, 4, 7, 10, 16])
    func movesByWeight(most: Int, count: Int) {
        var random = SeededRandom(seed: UInt64(most * 100 + count))
        var (moved, parts) = (0, 0.0)
        for _ in 0..<10 {
            let weights = Self.weights(count, upTo: most, using: &random)
            guard let changed = weights.keys.min() else { continue }
            func part(_ weights: [String: Int]) -> Double {
                64 * Double(weights[changed] ?? 0) / Double(weights.values.reduce(0, +))
            }
            let before = owners(ShardMap.assignment(weights: weights))
            func moves(_ other: [String: Int]) -> Int {
                let after = owners(ShardMap.assignment(weights: other))
                return (0..<64).filter { before[$0] != after[$0] }.count
            }
            // Joining is leaving, seen from its end.
            var others = weights
            others[changed] = nil
            let left = moves(others)
            #expect(Double(left) < 2 * part(weights) + 10, "\(changed) leaves \(weights)")
            moved += left
            parts += part(weights)
            var heavier = weights
            heavier[changed] = Int.random(in: 1...most, using: &random)
            let difference = abs(part(weights) - part(heavier))
            #expect(Double(moves(heavier)) < 2 * difference + 10, "\(changed) to \(heavier) from \(weights)")
        }
        #expect(Double(moved) < 2 * parts, "on average")
    }
}
