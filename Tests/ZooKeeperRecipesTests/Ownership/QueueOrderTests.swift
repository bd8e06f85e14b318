import Primitives
import TestFixtures
import Testing

@testable import ZooKeeperRecipes

@Suite("Queue order and names", .timeLimit(.minutes(5)))
struct QueueOrderTests {
    @Test(
        arguments: [
            ("_c_0d1f-lock-0000000007", 7), ("n0000000000", 0), ("x-2147483647", 2_147_483_647),
            ("lock--2147483648", -2_147_483_648),
            ("lock--000000005", -5), ("x", nil), ("lock-", nil), ("lock-123", nil), ("lock-9999999999", nil),
            ("", nil),
        ] as [(String, Int32?)])
    func readsTheNumber(_ name: String, _ number: Int32?) {
        #expect(QueueOrder.sequence(of: name) == number)
    }

    @Test func candidatesStandInTheOrderOfTheQueue() {
        let children = ["lock--2147483648", "note-5", "lock-2147483646", "config", "lock-2147483647"]
        #expect(
            QueueOrder.candidates(among: children) == ["lock-2147483646", "lock-2147483647", "lock--2147483648"])
        #expect(QueueOrder.candidates(among: []).isEmpty)
    }

    @Test func findsTheNearestBefore() {
        let children = ["b-0000000009", "a-0000000003", "c-0000000005", "config", "d-0000000012"]
        #expect(QueueRule.exclusive.place(of: "a-0000000003", among: children) == .first)
        #expect(
            QueueRule.exclusive.place(of: "c-0000000005", among: children)
                == .behind(["a-0000000003"], next: nil))
        #expect(
            QueueRule.exclusive.place(of: "b-0000000009", among: children)
                == .behind(["c-0000000005"], next: "a-0000000003"))
        #expect(QueueRule.exclusive.place(of: "e-0000000013", among: children) == .missing)
        #expect(QueueRule.exclusive.place(of: "config", among: children) == .missing)
    }

    @Test func theOrderHoldsWhereTheCounterWraps() {
        let children = ["lock-2147483646", "lock-2147483647", "lock--2147483648"]
        #expect(QueueRule.exclusive.place(of: "lock-2147483646", among: children) == .first)
        #expect(
            QueueRule.exclusive.place(of: "lock--2147483648", among: children)
                == .behind(["lock-2147483647"], next: "lock-2147483646"))
    }

    @Test func readersWaitForWritersOnly() {
        let rule = QueueRule.behind(mark: ReadWriteLock.writeMark)
        let children = [
            "_c_1-__READ__0000000001", "_c_2-__WRIT__0000000002", "_c_3-__READ__0000000003", "_c_4-__WRIT__0000000004",
            "_c_5-__READ__0000000005",
        ]
        #expect(rule.place(of: children[0], among: children) == .first)
        #expect(rule.place(of: children[2], among: children) == .behind([children[1]], next: nil))
        #expect(rule.place(of: children[4], among: children) == .behind([children[3]], next: children[1]))
        #expect(
            QueueRule.exclusive.place(of: children[3], among: children) == .behind([children[2]], next: children[1]))
        #expect(ProtectedName.hasMark("__WRIT__", "_c_1-__WRIT__-000000007"))
        #expect(!ProtectedName.hasMark("__WRIT__", "_c_1-__READ__0000000007") && !ProtectedName.hasMark("x", "7"))
    }

    /// Seeded: whatever goes in whatever order, a waiter that is woken only by what it watches enters as soon as fewer
    /// than `n` are below it, and never before.
    @Test(arguments: 0..<200) func aSlotIsNeverMissed(_ seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let slots = Int.random(in: 1...4, using: &random)
        var children = (0..<Int.random(in: 1...12, using: &random)).map { "n-000000000\($0)".suffix(12).description }
        let own = "n-0000000099"
        children.append(own)
        let rule = QueueRule.slots(slots)
        var place = rule.place(of: own, among: children)
        while children.count > 1 {
            children.remove(at: Int.random(in: 0..<children.count - 1, using: &random))
            guard case .behind(let watched, let beyond) = place else {
                #expect(place == .first && children.count - 1 < slots)
                return
            }
            if let gone = watched.first(where: { !children.contains($0) }) {
                let next = rule.place(of: own, among: children)
                if beyond == nil { #expect(next == .first, "\(gone)") }
                place = next
            } else if let beyond, !children.contains(beyond) {
                // It looks ahead.
                place = rule.place(of: own, among: children)
            }
            #expect((place == .first) == (children.count - 1 < slots), "seed \(seed)")
        }
    }

    @Test func namesAreUniqueAndFoundAgain() {
        var random = SeededRandom(seed: 4)
        let names = (0..<1000).map { _ in ProtectedName(kind: "lock-", using: &random) }
        #expect(Set(names).count == 1000)
        let name = names[500]
        #expect(name.prefix.utf8.count == "_c_00000000-0000-4000-8000-000000000000-lock-".utf8.count)
        #expect(name.find(in: names.map { $0.prefix + "0000000001" }) == name.prefix + "0000000001")
        #expect(name.find(in: names.prefix(500).map { $0.prefix + "0000000001" }) == nil)
    }
}
