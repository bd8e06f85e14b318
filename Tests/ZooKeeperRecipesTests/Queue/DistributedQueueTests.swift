import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol

@testable import ZooKeeperRecipes

@Suite("Queue", .timeLimit(.minutes(5)))
struct DistributedQueueTests {
    private func queue(_ client: ZooKeeperClient, folderSize: Int = 1000) -> DistributedQueue {
        DistributedQueue(
            client: client, path: "/queue", identity: "me".bytes, folderSize: folderSize, logger: TestTree.logger)
    }

    @Test(arguments: TreeKind.allCases)
    func inOrderOfPriorityAndPuttingOverFolders(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("queue-order")) { client in
            let queue = queue(client, folderSize: 4)
            for number in 0..<10 { try await queue.put("n\(number)".bytes) }
            try await queue.put("urgent".bytes, priority: 1)
            let folders = try await client.getChildren("/queue/items/128")
            #expect(folders.count == 3)
            var taken: [String] = []
            for _ in 0..<11 {
                let item = try #require(try await queue.take(timeout: .seconds(30)))
                taken.append(String(decoding: item.data, as: UTF8.self))
                #expect(item.attempt == 1 && item.lease.token > 0 && item.lease.deadline != nil)
                try await item.finish()
                await #expect(throws: LeaseLost.self) { try await item.finish() }
            }
            let none = try await queue.take(timeout: .milliseconds(200))
            #expect(none.map(\.path) == nil)
            #expect(taken == ["urgent"] + (0..<10).map { "n\($0)" })
            // What was emptied is gone, but for the newest.
            #expect(try await client.getChildren("/queue/items/128").count == 1)
            #expect(try await client.getChildren("/queue/claims").isEmpty)
        }
    }

    @Test(arguments: TreeKind.allCases)
    func aWaitingWorkerIsWokenAndAnItemGivenBackComesAgain(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("queue-wait")) { client in
            let queue = queue(client)
            let waiting = Task { try await queue.take(timeout: .seconds(30)) }
            try await eventually("waiting") { (try? await client.exists("/queue/claims")) != nil }
            try await queue.put("work".bytes)
            let item = try #require(try await waiting.value)
            let next = Task { try await queue.take(timeout: .seconds(30)) }
            await item.giveBack()
            let again = try #require(try await next.value)
            #expect(again.path == item.path && again.attempt == 2 && again.lease.token > item.lease.token)
            // The first worker's claim had the same name; it is fenced off all the same.
            await #expect(throws: LeaseLost.self) { try await item.lease.guarded([.create(path: "/no", data: nil)]) }
            do {
                try await again.finish([.create(path: "/missing/parent", data: nil)])
                Issue.record("finished")
            } catch let error as ZooKeeperError {
                #expect(error.code == .noNode && error.transactionIndex == 0)
            }
            try await again.finish([.create(path: "/result", data: nil)])
            #expect(try await client.exists("/result") != nil)
            // Cancelled, a worker leaves no claim.
            for delay in [0, 1, 3, 10] {
                try await queue.put("x".bytes)
                let cancelled = Task { try await queue.take() }
                try await Task.sleep(for: .milliseconds(delay))
                cancelled.cancel()
                if let item = try? await cancelled.value { await item.giveBack() }
                #expect(try await client.getChildren("/queue/claims").isEmpty)
            }
        }
    }

    /// Somebody deletes a claim; another worker's has the same name.
    @Test(arguments: TreeKind.allCases)
    func whoGivesBackLateTakesNothingFromAnother(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("queue-late")) { client in
            let queue = queue(client)
            try await queue.put("work".bytes)
            let first = try #require(try await queue.take(timeout: .seconds(30)))
            try await client.delete(first.lease.path)
            let second = try #require(try await queue.take(timeout: .seconds(30)))
            #expect(second.lease.path == first.lease.path)
            await first.giveBack()
            #expect(second.lease.isValid())
            try await second.finish([.create(path: "/result", data: nil)])
            #expect(try await client.exists("/result") != nil)
        }
    }

    /// Between its look at the claim and the removal the claim goes, and another worker's comes, by the same name.
    @Test(arguments: TreeKind.allCases)
    func whoIsToldToStopTakesNothingFromAnother(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("queue-stop")) { client in
            let queue = queue(client)
            try await queue.put("work".bytes)
            func take() async throws -> (item: QueueItem, tag: [UInt8]) {
                let item = try #require(try await queue.take(timeout: .seconds(30)))
                return (item, try #require(try await client.getData(item.lease.path).data))
            }
            let first = try await take()
            let claim = first.item.lease.path
            let late = try #require(try await queue.removal(of: claim, first.tag, on: first.item.path))
            try await client.transaction(late)
            let second = try await take()
            #expect(second.item.lease.path == claim && second.tag != first.tag)
            let error = await #expect(throws: ZooKeeperError.self) { try await client.transaction(late) }
            #expect(error?.code == .badVersion)
            let none = try await queue.removal(of: claim, first.tag, on: first.item.path)
            #expect(none == nil)
            #expect(second.item.lease.isValid())
            try await second.item.finish()
        }
    }

    @Test(arguments: TreeKind.allCases)
    func whatTheWorkComesToDecidesOverTheItem(_ kind: TreeKind) async throws {
        struct Mishap: Error {}
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("queue-with")) { client in
            let queue = queue(client)
            try await queue.put("work".bytes)
            await #expect(throws: Mishap.self) { try await queue.withItem { _ in throw Mishap() } }
            await #expect(throws: LeaseLost.self) {
                try await queue.withItem { item in
                    #expect(item.attempt == 2)
                    try await client.delete(item.lease.path)
                    try await Task.sleep(for: .seconds(20))
                    return []
                }
            }
            let wasThere = try await queue.withItem(timeout: .seconds(30)) { item in
                #expect(item.attempt == 3)
                return [.create(path: "/result", data: item.data)]
            }
            #expect(wasThere)
            #expect(try await client.getData("/result").data.text == "work")
            let isThere = try await queue.withItem(timeout: .milliseconds(200)) { _ in [] }
            #expect(!isThere)
            #expect(try await client.getChildren("/queue/claims").isEmpty)
        }
    }

    private enum Fate: CaseIterable {
        case claimsAndDies
        case losesTheAnswerToTheClaim
        case losesTheAnswerToTheFinish
        case finishesAndDies
    }

    /// Workers die or are cut off at every step. Each item has exactly one result, and those of the dead come again.
    @Test(arguments: TreeKind.allCases)
    func everyItemIsFinishedExactlyOnceWhereverWorkersDie(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        let chroot = TestTree.uniquePath("queue-crash")
        let count = 24
        try await withClient(port: port, chroot: chroot) { client in
            try await client.ensurePath("/results")
            let deliveries = Shared([String: Int]())
            for number in 0..<count { try await queue(client, folderSize: 7).put("i\(number)".bytes) }
            @Sendable func finish(_ item: QueueItem) async throws {
                do {
                    // Not sequential: a second result would fail the transaction.
                    let name = String(decoding: item.data, as: UTF8.self)
                    try await item.finish([.create(path: "/results/\(name)", data: "\(item.attempt)".bytes)])
                } catch is LeaseLost {
                } catch is OutcomeUnknown {}
            }
            @Sendable func take(_ client: ZooKeeperClient, within timeout: Duration) async throws -> QueueItem? {
                let item = try await queue(client, folderSize: 7).take(timeout: timeout)
                if let item { deliveries.change { $0[String(decoding: item.data, as: UTF8.self), default: 0] += 1 } }
                return item
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for fate in Fate.allCases + Fate.allCases {
                    group.addTask {
                        let proxy = try FaultProxy(target: port)
                        defer { proxy.close() }
                        try await withClient(
                            port: proxy.port, chroot: chroot, configure: { $0.sessionTimeout = .seconds(2) }
                        ) { worker in
                            if fate == .losesTheAnswerToTheClaim { proxy.loseAnswersForAMoment() }
                            guard let item = try await take(worker, within: .seconds(30)) else { return }
                            if fate == .losesTheAnswerToTheFinish { proxy.loseAnswersForAMoment() }
                            if fate != .claimsAndDies { try await finish(item) }
                            // Without a goodbye: the session has to expire.
                            proxy.discard(.toServer)
                        }
                    }
                }
                try await group.waitForAll()
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        while try await client.getChildren("/results").count < count {
                            if let item = try await take(client, within: .seconds(1)) { try await finish(item) }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await client.getChildren("/results").count == count)
            let counts = deliveries.value
            #expect(counts.count == count && counts.values.reduce(0, +) >= count + 2, "\(counts)")
            let rest = try await queue(client).take(timeout: .milliseconds(200))
            #expect(rest.map(\.path) == nil, "\(String(describing: rest))")
        }
    }
}

extension FaultProxy {
    /// What is answered in the next 150 ms is lost, and the connection with it.
    fileprivate func loseAnswersForAMoment() {
        hold(.toClient)
        // Nobody waits for it: the fault is to come while others are at work.
        Task {
            try await Task.sleep(for: .milliseconds(150))
            cut()
            heal()
        }
    }
}
