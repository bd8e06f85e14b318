import TestFixtures
import Testing

@testable import ZooKeeperRecipes

@Suite("Queue order and names")
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

    @Test func findsTheNearestBefore() {
        let children = ["b-0000000009", "a-0000000003", "c-0000000005", "config", "d-0000000012"]
        #expect(QueueOrder.place(of: "a-0000000003", among: children) == .first)
        #expect(QueueOrder.place(of: "c-0000000005", among: children) == .behind("a-0000000003"))
        #expect(QueueOrder.place(of: "b-0000000009", among: children) == .behind("c-0000000005"))
        #expect(QueueOrder.place(of: "e-0000000013", among: children) == .missing)
        #expect(QueueOrder.place(of: "config", among: children) == .missing)
    }

    @Test func theOrderHoldsWhereTheCounterWraps() {
        let children = ["lock-2147483646", "lock-2147483647", "lock--2147483648"]
        #expect(QueueOrder.place(of: "lock-2147483646", among: children) == .first)
        #expect(QueueOrder.place(of: "lock--2147483648", among: children) == .behind("lock-2147483647"))
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
