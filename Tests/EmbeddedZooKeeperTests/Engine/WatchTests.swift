import NIOCore
import Testing
import ZooKeeperProtocol

@testable import EmbeddedZooKeeper

@Suite struct WatchTests {
    @Test func oneShotWatchesFireOnce() throws {
        let harness = try EngineHarness()
        let (writer, watcher) = (try harness.connected(), try harness.connected())
        try writer.create("/a")
        for _ in 0..<3 { _ = try watcher.get("/a", watch: true) }
        try writer.set("/a", [1])
        try writer.set("/a", [2])
        #expect(try watcher.events() == ["nodeDataChanged /a"])
    }

    @Test func existsArmsOnAMissingNodeAndReadsDoNot() throws {
        let harness = try EngineHarness()
        let (writer, watcher) = (try harness.connected(), try harness.connected())
        #expect(throws: ErrorCode.noNode) { try watcher.stat("/a", watch: true) }
        #expect(throws: ErrorCode.noNode) { try watcher.get("/b", watch: true) }
        #expect(throws: ErrorCode.noNode) { try watcher.children("/c", watch: true) }
        for path in ["/a", "/b", "/c"] { try writer.create(path) }
        #expect(try watcher.events() == ["nodeCreated /a"])
    }

    @Test func childWatchFiresOnCreateAndDeleteOfAChild() throws {
        let harness = try EngineHarness()
        let (writer, watcher) = (try harness.connected(), try harness.connected())
        try writer.create("/p")
        _ = try watcher.children("/p", watch: true)
        try writer.set("/p", [1])
        try writer.create("/p/a")
        #expect(try watcher.events() == ["nodeChildrenChanged /p"])
        _ = try watcher.children("/p", watch: true)
        try writer.set("/p/a", [1])
        try writer.delete("/p/a")
        #expect(try watcher.events() == ["nodeChildrenChanged /p"])
    }

    @Test func deletionIsToldOnceToAClientWithBothWatches() throws {
        let harness = try EngineHarness()
        let (writer, watcher) = (try harness.connected(), try harness.connected())
        try writer.create("/p")
        _ = try watcher.get("/p", watch: true)
        _ = try watcher.children("/p", watch: true)
        _ = try watcher.children("/", watch: true)
        try writer.delete("/p")
        #expect(try watcher.events() == ["nodeDeleted /p", "nodeChildrenChanged /"])
        try writer.create("/p")
        #expect(try watcher.events() == [])
    }

    @Test func persistentWatchStaysAndSeesChildrenButNotBelow() throws {
        let harness = try EngineHarness()
        let (writer, watcher) = (try harness.connected(), try harness.connected())
        try watcher.addWatch("/p", .persistent)
        try writer.create("/p")
        try writer.set("/p", [1])
        try writer.create("/p/a")
        try writer.set("/p/a", [1])
        try writer.create("/p/a/b")
        try writer.delete("/p/a/b")
        try writer.delete("/p/a")
        try writer.delete("/p")
        #expect(
            try watcher.events() == [
                "nodeCreated /p", "nodeDataChanged /p", "nodeChildrenChanged /p", "nodeChildrenChanged /p",
                "nodeDeleted /p",
            ])
    }

    @Test func recursiveWatchSeesEverythingBelowButNoChildrenChanged() throws {
        let harness = try EngineHarness()
        let (writer, watcher) = (try harness.connected(), try harness.connected())
        try watcher.addWatch("/p", .persistentRecursive)
        for path in ["/p", "/pq", "/p/a", "/p/a/b"] { try writer.create(path) }
        try writer.set("/p/a/b", [1])
        try writer.delete("/p/a/b")
        #expect(
            try watcher.events() == [
                "nodeCreated /p", "nodeCreated /p/a", "nodeCreated /p/a/b", "nodeDataChanged /p/a/b",
                "nodeDeleted /p/a/b",
            ])
    }

    @Test func recursiveWatchOnTheRoot() throws {
        let harness = try EngineHarness()
        let (writer, watcher) = (try harness.connected(), try harness.connected())
        try watcher.addWatch("/", .persistentRecursive)
        _ = try watcher.get("/", watch: true)
        try writer.create("/a")
        try writer.set("/", [1])
        #expect(try watcher.events() == ["nodeCreated /a", "nodeDataChanged /"])
    }

    @Test func modesCoexistAndAnEventIsDeliveredOnce() throws {
        let harness = try EngineHarness()
        let (writer, watcher) = (try harness.connected(), try harness.connected())
        try writer.create("/a")
        try watcher.addWatch("/a", .persistent)
        try watcher.addWatch("/a", .persistentRecursive)
        try watcher.addWatch("/", .persistentRecursive)
        _ = try watcher.get("/a", watch: true)
        try writer.set("/a", [1])
        #expect(try watcher.events() == ["nodeDataChanged /a"])
        try writer.delete("/a")
        #expect(try watcher.events() == ["nodeDeleted /a"])
    }

    @Test func eventComesBeforeTheReplyOfTheSameConnection() throws {
        let harness = try EngineHarness()
        let client = try harness.connected()
        try client.create("/a")
        _ = try client.get("/a", watch: true)
        let xid = client.send(.setData, SetDataRequest(path: "/a", data: [1], version: -1))
        harness.settle()
        let all = try client.received()
        #expect(all.map(\.description) == ["event nodeDataChanged /a", "reply \(xid) Ok (0)"])
        if case .event(let event)? = all.first { #expect(event.zxid == harness.engine.lastZxid) }
    }

    @Test func eventsOfATransactionComeInOrderAndOnlyWhenItWorked() throws {
        let harness = try EngineHarness()
        let (writer, watcher) = (try harness.connected(), try harness.connected())
        try watcher.addWatch("/", .persistentRecursive)
        _ = try writer.multi([.create(path: "/a", data: nil), .check(path: "/nope")])
        #expect(try watcher.events() == [])
        _ = try writer.multi([
            .create(path: "/a", data: nil), .setData(path: "/a", data: [1]), .delete(path: "/a"),
        ])
        #expect(try watcher.events() == ["nodeCreated /a", "nodeDataChanged /a", "nodeDeleted /a"])
    }

    @Test func whoMayNotReadIsNotTold() throws {
        let harness = try EngineHarness()
        let (owner, stranger) = (try harness.connected(), try harness.connected())
        try owner.authenticate("owner:secret")
        try stranger.addWatch("/", .persistentRecursive)
        try owner.create("/secret", acl: ACL.creatorAll)
        try owner.set("/secret", [1])
        try owner.delete("/secret")
        try owner.create("/open")
        #expect(try stranger.events() == ["nodeCreated /open"])
    }

    @Test func watchesGoWithTheConnection() throws {
        let harness = try EngineHarness()
        let (writer, watcher) = (try harness.connected(), try harness.connected())
        try writer.create("/a")
        _ = try watcher.get("/a", watch: true)
        try watcher.addWatch("/a", .persistent)
        harness.engine.disconnect(watcher.client)
        #expect(harness.engine.watches.isEmpty)
        try writer.set("/a", [1])
    }

    @Test func removingAndChecking() throws {
        let harness = try EngineHarness()
        let (writer, watcher) = (try harness.connected(), try harness.connected())
        try writer.create("/a")
        func ask(_ operation: OperationCode, _ type: WatcherType) throws {
            try watcher.call(operation, WatcherTypeRequest(path: "/a", type: type))
        }
        for type in WatcherType.allCases { #expect(throws: ErrorCode.noWatcher) { try ask(.checkWatches, type) } }
        _ = try watcher.get("/a", watch: true)
        _ = try watcher.children("/a", watch: true)
        try ask(.checkWatches, .data)
        try ask(.checkWatches, .any)
        try ask(.removeWatches, .data)
        #expect(throws: ErrorCode.noWatcher) { try ask(.removeWatches, .data) }
        try ask(.checkWatches, .children)
        try watcher.addWatch("/a", .persistent)
        try watcher.addWatch("/a", .persistentRecursive)
        try ask(.removeWatches, .persistent)
        try ask(.checkWatches, .persistentRecursive)
        try ask(.removeWatches, .any)
        #expect(harness.engine.watches.isEmpty)
        #expect(throws: ErrorCode.marshallingError) {
            try watcher.call(.removeWatches, WatcherTypeRequest(path: "/a", type: 17))
        }
        #expect(throws: ErrorCode.marshallingError) {
            try watcher.call(.addWatch, AddWatchRequest(path: "/a", mode: 9))
        }
    }

    @Test func setWatchesTellsWhatWasMissedAndArmsTheRest() throws {
        let harness = try EngineHarness()
        let (writer, watcher) = (try harness.connected(), try harness.connected())
        for path in ["/same", "/changed", "/gone", "/kids", "/still"] { try writer.create(path) }
        let seen = harness.engine.lastZxid
        try writer.set("/changed", [1])
        try writer.delete("/gone")
        try writer.create("/kids/x")
        try writer.create("/came")
        let request = SetWatchesRequest(
            relativeZxid: seen, dataWatches: ["/same", "/changed", "/gone"], existWatches: ["/came", "/missing"],
            childWatches: ["/kids", "/still", "/gone"], persistentWatches: ["/same"],
            persistentRecursiveWatches: ["/still"])
        let xid = watcher.send(.setWatches2, xid: ReservedXid.setWatches, request)
        harness.settle()
        #expect(
            try watcher.received().map(\.description) == [
                "event nodeDataChanged /changed", "event nodeDeleted /gone", "event nodeCreated /came",
                "event nodeChildrenChanged /kids", "event nodeDeleted /gone", "reply \(xid) Ok (0)",
            ])
        try writer.set("/same", [1])
        try writer.create("/missing")
        try writer.create("/still/x")
        #expect(
            try watcher.events() == [
                "nodeDataChanged /same", "nodeCreated /missing", "nodeCreated /still/x", "nodeChildrenChanged /still",
            ])
    }

    @Test func closingASessionTellsOfItsEphemerals() throws {
        let harness = try EngineHarness()
        let (owner, watcher) = (try harness.connected(), try harness.connected())
        try owner.create("/e", mode: .ephemeral)
        #expect(try watcher.stat("/e", watch: true).ephemeralOwner == owner.response?.sessionID)
        let before = harness.engine.lastZxid
        try owner.call(.closeSession)
        #expect(harness.engine.lastZxid == before + 1)
        #expect(owner.client.phase == .closing)
        #expect(try watcher.events() == ["nodeDeleted /e"])
        #expect(throws: ErrorCode.noNode) { try watcher.stat("/e") }
    }
}
