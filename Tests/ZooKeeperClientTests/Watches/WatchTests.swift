import Synchronization
import TestFixtures
import Testing
import ZooKeeperProtocol

@testable import ZooKeeperClient

@Suite("Watches, on a real ZooKeeper")
struct WatchTests {
    @Test func oneShotWatchesFireOnceForWhatTheyWereArmedFor() async throws {
        let server = try await TestTree.shared()
        try await withClient(port: server.port, chroot: TestTree.uniquePath("oneshot")) { client in
            let (stat, existence) = try await client.existsAndWatch("/a")
            #expect(stat == nil && !existence.hasFired)
            let (_, children) = try await client.getChildrenAndWatch("/")
            try await client.create("/a", data: nil)
            #expect(try await type(existence) == .nodeCreated)
            #expect(try await type(children) == .nodeChildrenChanged)
            let (_, data) = try await client.getDataAndWatch("/a")
            try await client.setData("/a", data: "1".bytes)
            // Told before the answer to the write that caused it.
            #expect(data.hasFired)
            let (_, deletion) = try await client.getDataAndWatch("/a")
            let (_, second) = try await client.existsAndWatch("/a")
            try await client.delete("/a")
            #expect(try await type(deletion) == .nodeDeleted)
            #expect(try await type(second) == .nodeDeleted)
            await expect(.noNode) { try await client.getDataAndWatch("/a") }
        }
    }

    @Test func persistentWatchesStay() async throws {
        let server = try await TestTree.shared()
        try await withClient(port: server.port, chroot: TestTree.uniquePath("persistent")) { client in
            let exact = try await client.addWatch("/a", mode: .persistent)
            let deep = try await client.addWatch("/", mode: .persistentRecursive)
            try await client.create("/a", data: nil)
            try await client.create("/a/b", data: nil)
            try await client.setData("/a", data: "1".bytes)
            try await client.delete("/a/b")
            try await client.delete("/a")
            #expect(
                try await take(5, of: exact) == [
                    "nodeCreated /a", "nodeChildrenChanged /a", "nodeDataChanged /a", "nodeChildrenChanged /a",
                    "nodeDeleted /a",
                ])
            #expect(
                try await take(5, of: deep) == [
                    "nodeCreated /a", "nodeCreated /a/b", "nodeDataChanged /a", "nodeDeleted /a/b", "nodeDeleted /a",
                ])
            exact.cancel()
            #expect(try await exact.next() == nil)
            try await client.create("/a", data: nil)
            #expect(try await take(1, of: deep) == ["nodeCreated /a"])
        }
    }

    @Test func aWaitForAWatchCanBeCancelledAndTheWatchStays() async throws {
        let server = try await TestTree.shared()
        try await withClient(port: server.port, chroot: TestTree.uniquePath("cancel")) { client in
            try await client.create("/a", data: nil)
            let (_, watch) = try await client.getDataAndWatch("/a")
            let persistent = try await client.addWatch("/a", mode: .persistent)
            await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    do { _ = try await watch.next() } catch { return error is CancellationError }; return false
                }
                group.addTask {
                    do { _ = try await persistent.next() } catch { return error is CancellationError }; return false
                }
                group.cancelAll()
                for await wasCancelled in group { #expect(wasCancelled) }
            }
            try await client.delete("/a")
            #expect(try await type(watch) == .nodeDeleted)
            #expect(try await take(1, of: persistent) == ["nodeDeleted /a"])
        }
    }

    @Test func aDroppedWatchIsForgotten() async throws {
        let server = try await TestTree.shared()
        try await withClient(port: server.port, chroot: TestTree.uniquePath("drop")) { client in
            for _ in 0..<10 { _ = try await client.getChildrenAndWatch("/") }
            let persistent = try await client.addWatch("/", mode: .persistent)
            persistent.cancel()
            let isEmpty = client.core.state.withLock { $0.machine.watches.isEmpty }
            #expect(isEmpty)
        }
    }

    @Test func theEndOfTheClientEndsItsWatches() async throws {
        let server = try await TestTree.shared()
        let (watch, persistent) = try await withClient(port: server.port, chroot: TestTree.uniquePath("end")) {
            client in
            (try await client.getDataAndWatch("/").1, try await client.addWatch("/", mode: .persistent))
        }
        #expect(try await watch.next() == .closed)
        await expect(.clientClosed) { try await persistent.next() }
    }
}

/// The type of the event that ended a watch.
func type(_ watch: Watch) async throws -> EventType? {
    guard case .event(let event) = try await watch.next() else { return nil }
    return event.type
}

/// The next elements as text.
func take(_ count: Int, of watch: PersistentWatch) async throws -> [String] {
    var texts: [String] = []
    while texts.count < count, let element = try await watch.next() {
        switch element {
        case .event(let event): texts.append("\(event.type) \(event.path)")
        case .gap: texts.append("gap")
        }
    }
    return texts
}
