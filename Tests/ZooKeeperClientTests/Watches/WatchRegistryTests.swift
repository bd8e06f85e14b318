import Testing
import ZooKeeperProtocol

@testable import ZooKeeperClient

@Suite("Watch registry")
struct WatchRegistryTests {
    private func event(_ type: EventType, _ path: String) -> WatchEvent { WatchEvent(type: type, path: path, zxid: 1) }

    /// Which kinds of one-shot watches on the node an event ends.
    @Test(arguments: [
        (EventType.nodeCreated, ["data", "exist"]), (.nodeDataChanged, ["data", "exist"]),
        (.nodeDeleted, ["data", "exist", "child"]), (.nodeChildrenChanged, ["child"]), (.none, []),
    ])
    func endsTheRightKinds(_ type: EventType, _ kinds: [String]) {
        var registry = WatchRegistry()
        let (data, exist, child) = (WatchSlot(path: "/a"), WatchSlot(path: "/a"), WatchSlot(path: "/a"))
        registry.answered(.oneShot(.getData, data), error: .ok)
        registry.answered(.oneShot(.exists, exist), error: .noNode)
        registry.answered(.oneShot(.getChildren, child), error: .ok)
        let names = [
            ObjectIdentifier(data): "data", ObjectIdentifier(exist): "exist", ObjectIdentifier(child): "child",
        ]
        let ended = registry.deliver(event(type, "/a")).triggers.compactMap { names[ObjectIdentifier($0.slot)] }
        #expect(Set(ended) == Set(kinds))
        expect(registry.deliver(event(type, "/a")).triggers.isEmpty)
        expect(registry.deliver(event(.nodeDeleted, "/b")).triggers.isEmpty)
    }

    @Test func aFailedReadArmsNothingButExistsDoes() {
        var registry = WatchRegistry()
        registry.answered(.oneShot(.getData, WatchSlot(path: "/a")), error: .noNode)
        registry.answered(.oneShot(.getChildren, WatchSlot(path: "/a")), error: .noNode)
        registry.answered(.oneShot(.exists, WatchSlot(path: "/a")), error: .noAuth)
        #expect(registry.isEmpty)
        registry.answered(.oneShot(.exists, WatchSlot(path: "/a")), error: .noNode)
        #expect(!registry.isEmpty)
    }

    @Test func persistentSeesItsNodeAndChildrenRecursiveTheWholeSubtree() {
        var registry = WatchRegistry()
        let exact = PersistentWatchBuffer(path: "/a", limit: 10)
        let deep = PersistentWatchBuffer(path: "/a", limit: 10)
        let root = PersistentWatchBuffer(path: "/", limit: 10)
        registry.answered(.persistent(.persistent, exact), error: .ok)
        registry.answered(.persistent(.persistentRecursive, deep), error: .ok)
        registry.answered(.persistent(.persistentRecursive, root), error: .ok)
        func who(_ type: EventType, _ path: String) -> Set<ObjectIdentifier> {
            Set(registry.deliver(event(type, path)).elements.map { ObjectIdentifier($0.buffer) })
        }
        #expect(
            who(.nodeDataChanged, "/a") == [ObjectIdentifier(exact), ObjectIdentifier(deep), ObjectIdentifier(root)])
        #expect(who(.nodeChildrenChanged, "/a") == [ObjectIdentifier(exact)])
        #expect(who(.nodeCreated, "/a/b/c") == [ObjectIdentifier(deep), ObjectIdentifier(root)])
        #expect(who(.nodeCreated, "/ab") == [ObjectIdentifier(root)])
    }

    @Test func theServersWatchesGoOnlyWhenNobodyNeedsThePath() {
        var registry = WatchRegistry()
        let first = PersistentWatchBuffer(path: "/a", limit: 10)
        let second = PersistentWatchBuffer(path: "/a", limit: 10)
        let slot = WatchSlot(path: "/a")
        registry.answered(.persistent(.persistent, first), error: .ok)
        registry.answered(.persistent(.persistent, second), error: .ok)
        registry.answered(.oneShot(.getData, slot), error: .ok)
        expect(registry.forget(first) == false)
        expect(registry.forget(second) == false)
        registry.answered(.persistent(.persistent, first), error: .ok)
        registry.forget(slot)
        expect(registry.forget(first))
        expect(registry.forget(first) == false)
        #expect(registry.isEmpty)
    }

    @Test func aBufferThatOverflowsBecomesOneGap() async throws {
        let buffer = PersistentWatchBuffer(path: "/a", limit: 3)
        for _ in 0..<4 { buffer.append(.event(event(.nodeDataChanged, "/a"))) }
        #expect(try await buffer.next() == .gap)
        buffer.append(.event(event(.nodeDeleted, "/a")))
        #expect(try await buffer.next() == .event(event(.nodeDeleted, "/a")))
        buffer.finish(nil)
        #expect(try await buffer.next() == nil)
    }

    @Test func chrootIsTakenOffOnlyWhereItIs() {
        let chroot = Chroot("/linekeeper/x")
        #expect(chroot.absolute("/") == "/linekeeper/x")
        #expect(chroot.absolute("/tags") == "/linekeeper/x/tags")
        #expect(chroot.relative("/linekeeper/x") == "/")
        #expect(chroot.relative("/linekeeper/x/tags/a") == "/tags/a")
        #expect(chroot.relative("/linekeeper/xy") == "/linekeeper/xy")
        #expect(Chroot("/").relative("/a") == "/a" && Chroot("/").absolute("/a") == "/a")
    }
}
