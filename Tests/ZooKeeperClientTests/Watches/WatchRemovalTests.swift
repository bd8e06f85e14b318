import NIOPosix
import Synchronization
import TestFixtures
import Testing
import ZooKeeperProtocol

@testable import ZooKeeperClient

@Suite("Removal of watches") struct WatchRemovalTests {
    /// A client without a connection, and its staying watch of `/a`.
    private static func watching() throws -> (ClientCore, PersistentWatchBuffer) {
        let core = ClientCore(
            configuration: try ZooKeeperClient.Configuration(connectString: "127.0.0.1:1"),
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(), logger: TestTree.logger)
        let buffer = PersistentWatchBuffer(path: "/a", limit: 10)
        core.state.withLock { $0.machine.watches.answered(.persistent(.persistent, buffer), error: .ok) }
        return (core, buffer)
    }

    /// The server removes all watches of a path: that must not hit one that somebody arms meanwhile.
    @Test func isInLineBeforeAnybodyElseCanArmThePath() throws {
        let (core, buffer) = try Self.watching()
        core.forget(buffer)
        #expect(core.state.withLock { $0.machine.queue.map(\.operation) } == [.removeWatches])
    }

    @Test func isNotAskedForWhileSomebodyArmsThePath() throws {
        let (core, buffer) = try Self.watching()
        let slot = WatchSlot(path: "/a")
        core.submit(
            .request(.getData, path: "/a", arming: .oneShot(.getData, slot), deadline: .now + .seconds(10)) {
                PathWatchRequest(path: "/a", watch: true).write(into: &$0)
            })
        core.forget(buffer)
        #expect(core.state.withLock { $0.machine.queue.map(\.operation) } == [.getData])
    }
}
