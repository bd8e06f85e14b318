import Primitives
import TestFixtures
import Testing

@testable import ZooKeeperRecipes

/// The places that members take in an item's queue.
@Suite("Partition duties", .timeLimit(.minutes(5)))
struct PartitionDutyTests {
    @Test func theDutyFollowsFromThePlan() {
        let plan = PartitionPlan(items: ["a": ["x"], "b": ["y"]])
        #expect(PartitionDuty(of: "x", for: "a", by: plan, runnerUp: "b") == .own)
        #expect(PartitionDuty(of: "x", for: "b", by: plan, runnerUp: "b") == .standBy(for: "a"))
        #expect(PartitionDuty(of: "x", for: "c", by: plan, runnerUp: "b") == .handOver(to: "a"))
        #expect(PartitionDuty(of: "z", for: "a", by: plan, runnerUp: nil) == .stop)
    }

    @Test func eachPlaceInTheQueueHasOneAnswer() {
        #expect(PartitionDuty.own.mayEnter([]) && PartitionDuty.own.mayEnter(["b"]))
        #expect(!PartitionDuty.own.mustLeave(["b", "a"], as: "a"))
        #expect(PartitionDuty.stop.mustLeave(["a"], as: "a") && !PartitionDuty.stop.mayEnter([]))

        let standBy = PartitionDuty.standBy(for: "o")
        #expect(
            !standBy.mayEnter([]) && !standBy.mayEnter(["p"]) && standBy.mayEnter(["o"])
                && standBy.mayEnter(["p", "o"]))
        #expect(!standBy.mustLeave([], as: "a"), "on its way in")
        #expect(!standBy.mustLeave(["o", "a"], as: "a"))
        #expect(!standBy.mustLeave(["p", "a"], as: "a"), "the owner that is to be has not come")
        #expect(standBy.mustLeave(["p", "a", "o"], as: "a"), "the owner goes before")
        #expect(!standBy.mustLeave(["a"], as: "a") && !standBy.mustLeave(["a", "p"], as: "a"), "it has inherited")
        #expect(standBy.mustLeave(["a", "o"], as: "a"), "the owner is back")
        #expect(!standBy.mustLeave(["o", "a", "o"], as: "a"), "an old session of the owner's")

        let handOver = PartitionDuty.handOver(to: "o")
        #expect(!handOver.mayEnter(["o"]) && handOver.isOver)
        #expect(!handOver.mustLeave(["a"], as: "a") && !handOver.mustLeave(["a", "r", "o"], as: "a"))
        #expect(handOver.mustLeave(["a", "o", "r"], as: "a"))
        #expect(handOver.mustLeave(["p", "a"], as: "a") && handOver.mustLeave([], as: "a"))
        #expect(handOver.mustLeave(["a", "a"], as: "a"), "an old session of its own")
    }

    /// Members that go by plans which they learn of at different times; nodes are deleted, in between. In the end the plan's
    /// owner owns, its runner-up is next, and nobody else queues; an item that had an owner had one at every moment but
    /// while a node was deleted that nobody stood behind.
    @Test(arguments: 0..<200) func whateverHappensTheQueueComesToWhatThePlanSays(_ seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let names = ["a", "b", "c", "d"]
        var plans = [(owner: "a", runnerUp: "b")]
        var seen = Dictionary(uniqueKeysWithValues: names.map { ($0, 0) })
        var queue: [String] = []
        var hasHadOwner = false

        func duty(_ name: String) -> PartitionDuty {
            let plan = plans[seen[name] ?? 0]
            return plan.owner == name
                ? .own : plan.runnerUp == name ? .standBy(for: plan.owner) : .handOver(to: plan.owner)
        }
        /// One member looks at the queue and acts.
        func act(_ name: String) -> Bool {
            if queue.contains(name) {
                guard duty(name).mustLeave(queue, as: name) else { return false }
                if queue.first == name {
                    #expect(queue.count > 1, "seed \(seed): given up for nobody")
                }
                queue.removeAll { $0 == name }
                return true
            }
            guard duty(name).mayEnter(queue) else { return false }
            queue.append(name)
            return true
        }
        func settle() {
            for _ in 0..<200 where !names.shuffled(using: &random).reduce(false, { act($1) || $0 }) { return }
            Issue.record("seed \(seed): no rest, \(queue)")
        }
        for round in 0..<12 {
            let pair = names.shuffled(using: &random)
            plans.append((pair[0], pair[1]))
            for _ in 0..<Int.random(in: 0...12, using: &random) {
                let name = names.randomElement(using: &random) ?? "a"
                if random.chance(30) { seen[name] = Int.random(in: (seen[name] ?? 0)..<plans.count, using: &random) }
                if random.chance(10), !queue.isEmpty { queue.remove(at: Int.random(in: queue.indices, using: &random)) }
                _ = act(name)
                if !queue.isEmpty { hasHadOwner = true }
            }
            for name in names { seen[name] = plans.count - 1 }
            settle()
            #expect(queue == [pair[0], pair[1]], "seed \(seed) round \(round): \(queue)")
            // The owner dies: the runner-up has it, and keeps it while the owner is gone.
            queue.removeFirst()
            #expect(queue.first == pair[1] && !duty(pair[1]).mustLeave(queue, as: pair[1]))
            settle()
            #expect(queue == [pair[0], pair[1]], "seed \(seed) round \(round): \(queue)")
        }
        #expect(hasHadOwner)
    }
}
