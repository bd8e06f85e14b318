import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

@Suite("Shared value and counter", .timeLimit(.minutes(5)))
struct SharedValueTests {
    @Test(arguments: TreeKind.allCases)
    func noAdditionIsLost(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        let chroot = TestTree.uniquePath("counter")
        try await withClient(port: port, chroot: chroot) { first in
            try await withClient(port: port, chroot: chroot) { second in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<8 {
                        let counter = DistributedCounter(
                            client: number.isMultiple(of: 2) ? first : second, path: "/a/count", initial: 100)
                        group.addTask { for _ in 0..<10 { try await counter.add(Int64(number)) } }
                    }
                    try await group.waitForAll()
                }
                let counter = DistributedCounter(client: first, path: "/a/count")
                #expect(try await counter.value() == 100 + 280)
                #expect(try await counter.replace(380, with: .max))
                #expect(try await !counter.replace(380, with: 1))
                await #expect(throws: DistributedCounter.Overflow.self) { try await counter.add() }
                #expect(try await counter.value() == .max)
                try await first.setData("/a/count", data: "many".bytes)
                await #expect(throws: DistributedCounter.NotANumber.self) { try await counter.add() }
            }
        }
    }

    @Test(arguments: TreeKind.allCases)
    func aValueThatWasDeletedAndMadeAgainIsAnotherOne(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("aba")) { client in
            let shared = SharedValue(client: client, path: "/value", initial: "old".bytes)
            let before = try await shared.read()
            try await shared.delete()
            let after = try await shared.read()
            #expect(before.version == after.version && before.value == after.value && before.czxid < after.czxid)
            #expect(try await shared.replace(before, with: "wrong".bytes) == nil)
            let next = try #require(try await shared.replace(after, with: "new".bytes))
            #expect(try await shared.replace(after, with: "late".bytes) == nil)
            #expect(try await shared.read() == next && next.value == "new".bytes)
            try await shared.delete()
            try await shared.delete()
        }
    }

    /// What is below the value's children is not the value's to delete.
    @Test(arguments: TreeKind.allCases)
    func aValueWithGrandchildrenIsNotDeleted(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("grandchild")) { client in
            let shared = SharedValue(client: client, path: "/value", initial: "old".bytes)
            let before = try await shared.read()
            try await client.ensurePath("/value/other/deep")
            let isOver = Shared(false)
            let deleting = Task {
                defer { isOver.change { $0 = true } }
                try await shared.delete()
            }
            defer { deleting.cancel() }
            try await eventually("told") { isOver.value }
            let error = await #expect(throws: ZooKeeperError.self) { try await deleting.value }
            #expect(error?.code == .notEmpty && error?.path == "/value/other" && error?.transactionIndex == nil)
            #expect(try await shared.read() == before)
            try await client.delete("/value/other/deep")
            try await shared.delete()
            #expect(try await client.exists("/value") == nil)
        }
    }

    /// Answers are lost again and again: each addition is made once all the same.
    @Test func additionsWhoseAnswersAreLostAreMadeOnce() async throws {
        let port = try await TestTree.port(.embedded)
        let chroot = TestTree.uniquePath("lost-answers")
        let proxy = try FaultProxy(target: port)
        defer { proxy.close() }
        try await withClient(port: port, chroot: chroot) { observer in
            try await withClient(port: proxy.port, chroot: chroot) { client in
                let mine = DistributedCounter(client: client, path: "/count")
                try await mine.add(1)
                for round in 1...4 {
                    proxy.hold(.toClient)
                    let adding = Task { try await mine.add(1) }
                    if round.isMultiple(of: 2) {
                        try await Task.sleep(for: .milliseconds(20))
                    } else {
                        // The reads go through, the answer to the change does not: it is made, unknown to its maker.
                        proxy.release(.toClient)
                        _ = try? await Task.sleep(for: .milliseconds(2))
                        proxy.hold(.toClient)
                    }
                    proxy.cut()
                    proxy.heal()
                    _ = try await adding.value
                    #expect(try await DistributedCounter(client: observer, path: "/count").value() == Int64(1 + round))
                }
            }
        }
    }
}
