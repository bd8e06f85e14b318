import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

@Suite("Read/write lock", .timeLimit(.minutes(5)))
struct ReadWriteLockTests {
    private func lock(_ client: ZooKeeperClient) -> ReadWriteLock {
        ReadWriteLock(client: client, path: "/rw", identity: "me".bytes, logger: TestTree.logger)
    }

    private static func isBlocked(_ acquire: () async throws -> Lease) async throws -> Bool {
        do {
            _ = try await acquire()
            return false
        } catch let error as ZooKeeperError where error.code == .operationTimeout {
            return true
        }
    }

    @Test(arguments: TreeKind.allCases)
    func readersShareAndWritersDoNot(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("rw")) { client in
            let lock = lock(client)
            let first = try await lock.acquireRead()
            let second = try await lock.acquireRead(timeout: .seconds(5))
            #expect(second.token > first.token)
            #expect(try await Self.isBlocked { try await lock.acquireWrite(timeout: .milliseconds(150)) })
            await lock.release(first)
            #expect(try await Self.isBlocked { try await lock.acquireWrite(timeout: .milliseconds(150)) })
            let writer = Task { try await lock.acquireWrite(timeout: .seconds(10)) }
            try await eventually("queued") { try await client.getChildren("/rw").count == 2 }
            // Behind the waiting writer.
            #expect(try await Self.isBlocked { try await lock.acquireRead(timeout: .milliseconds(150)) })
            await lock.release(second)
            let written = try await writer.value
            try await written.guarded([.create(path: "/made", data: nil)])
            #expect(try await Self.isBlocked { try await lock.acquireRead(timeout: .milliseconds(150)) })
            await lock.release(written)
            // Who was blocked leaves a node for as long as servers take to answer.
            try await eventually("free") { try await client.getChildren("/rw").isEmpty }
        }
    }

    @Test(arguments: TreeKind.allCases)
    func aWriterBecomesAReaderBeforeTheNextWriter(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("downgrade")) { client in
            let lock = lock(client)
            let writer = try await lock.acquireWrite()
            let reader = Task { try await lock.acquireRead(timeout: .seconds(10)) }
            try await eventually("queued") { try await client.getChildren("/rw").count == 2 }
            let next = Task { try await lock.acquireWrite(timeout: .seconds(10)) }
            try await eventually("queued") { try await client.getChildren("/rw").count == 3 }
            let downgraded = try await lock.downgrade(writer)
            #expect(downgraded.token == writer.token && downgraded.isValid() && !writer.isValid())
            await #expect(throws: LeaseLost.self) { try await writer.guarded([.create(path: "/no", data: nil)]) }
            try await downgraded.guarded([.create(path: "/yes", data: nil)])
            let other = try await reader.value
            #expect(other.isValid() && downgraded.isValid())
            await lock.release(downgraded)
            #expect(try await client.getChildren("/rw").count == 2)
            await lock.release(other)
            await lock.release(try await next.value)
            await #expect(throws: LeaseLost.self) { try await lock.downgrade(other) }
        }
    }

    @Test func aReaderCannotBecomeAWriter() async throws {
        try await withClient(port: TestTree.port(.embedded), chroot: TestTree.uniquePath("upgrade")) { client in
            let lock = lock(client)
            await #expect(throws: ReadWriteLock.UpgradeRefused.self) {
                try await lock.withReadLock { _ in try await lock.withWriteLock { _ in } }
            }
            await #expect(throws: ReadWriteLock.UpgradeRefused.self) {
                try await lock.withReadLock { _ in _ = try await lock.acquireWrite() }
            }
            try await lock.withWriteLock { _ in }
            try await eventually("free") { try await client.getChildren("/rw").isEmpty }
        }
    }

    /// Many readers and writers on two clients, one of which is cut off again and again and whose nodes are deleted at
    /// random: nobody is ever inside with a writer, as far as the leases' word goes.
    @Test func neverAWriterBesidesAnybodyUnderFaults() async throws {
        let port = try await TestTree.port(.embedded)
        let chroot = TestTree.uniquePath("rw-faults")
        let proxy = try FaultProxy(target: port)
        defer { proxy.close() }
        try await withClient(port: port, chroot: chroot) { first in
            try await withClient(port: proxy.port, chroot: chroot) { second in
                try await first.create("/value", data: "0".bytes)
                let written = Shared(0)
                let lock = [lock(first), lock(second)]
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<12 {
                        let client = number.isMultiple(of: 2) ? first : second
                        let lock = lock[number % 2]
                        group.addTask {
                            for _ in 0..<6 {
                                do {
                                    if number < 4 {
                                        try await lock.withWriteLock(timeout: .seconds(30)) { lease in
                                            let before = Int(try await client.getData("/value").data.text ?? "") ?? -1
                                            try await lease.guarded([
                                                .setData(path: "/value", data: "\(before + 1)".bytes)
                                            ])
                                            written.change { $0 += 1 }
                                        }
                                    } else {
                                        try await lock.withReadLock(timeout: .seconds(30)) { lease in
                                            let one = try await client.getData("/value").stat.version
                                            let two = try await client.getData("/value").stat.version
                                            if lease.isValid() { #expect(one == two) }
                                        }
                                    }
                                } catch is LeaseLost {
                                } catch let error as ZooKeeperError where error.isOutcomeUnknown {
                                    // A write may or may not count.
                                    if number < 4 { written.change { $0 = Int.min / 2 } }
                                }
                            }
                        }
                    }
                    group.addTask {
                        for _ in 0..<4 {
                            try await Task.sleep(for: .milliseconds(60))
                            proxy.cut()
                            if let victim = try? await first.getChildren("/rw").randomElement() {
                                try? await first.delete("/rw/" + victim)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                let value = Int(try await first.getData("/value").data.text ?? "")
                let count = written.value
                if count >= 0 { #expect(value == count) }
                try await eventually("all left") { try await first.getChildren("/rw").isEmpty }
            }
        }
    }
}
