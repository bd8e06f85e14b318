import NIOCore
import NIOPosix
import Synchronization
import TestFixtures
import ZooKeeperProtocol

@testable import ZooKeeperClient

/// A client whose event loop can be held up, as a process that is stopped holds it up: the server hears nothing of it, and
/// what the server says waits in the socket.
final class HeldClient: Sendable {
    let client: ZooKeeperClient
    /// Never ended: the client looks at its loop for as long as anybody has it.
    private let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
    private let isHeld = Atomic<Bool>(false)
    private let isToHold = Atomic<Bool>(false)

    init(port: Int, chroot: String, sessionTimeout: Duration) throws {
        var configuration = try ZooKeeperClient.Configuration(connectString: "127.0.0.1:\(port)\(chroot)")
        configuration.sessionTimeout = sessionTimeout
        configuration.leaseRule = .standalone
        let core = ClientCore(configuration: configuration, eventLoop: loop, logger: TestTree.logger)
        client = ZooKeeperClient(core: core, chroot: Chroot(configuration.chroot))
    }

    /// Runs it for as long as `body` takes.
    func run(_ body: (ZooKeeperClient) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await self.client.run() }
            defer {
                goOn()
                tasks.cancelAll()
            }
            try await client.waitUntilConnected(timeout: .seconds(20))
            try await body(client)
        }
    }

    func hold() async throws {
        isToHold.store(true, ordering: .relaxed)
        loop.execute { [self] in
            isHeld.store(true, ordering: .relaxed)
            while isToHold.load(ordering: .relaxed) { usleep(1000) }
            isHeld.store(false, ordering: .relaxed)
        }
        try await eventually("held") { self.isHeld.load(ordering: .relaxed) }
    }

    func goOn() { isToHold.store(false, ordering: .relaxed) }

    /// Waits until a request of this kind has been sent, with its answer still on the way.
    func sent(_ operation: OperationCode) async throws {
        try await eventually("\(operation) on its way") {
            self.client.core.state.withLock { $0.machine.inFlight.contains { $0.operation == operation } }
        }
    }

    /// Waits until nothing is on its way, and so many nodes are watched.
    func watches(_ count: Int) async throws {
        try await eventually("\(count) nodes watched", seen: { "\(self.watchedPaths)" }) {
            self.watchedPaths.count == count
                && self.client.core.state.withLock { $0.machine.inFlight.isEmpty && $0.machine.queue.isEmpty }
        }
    }

    private var watchedPaths: [String] {
        client.core.state.withLock { $0.machine.watches.rearmRequests(relativeTo: 0, limit: 1 << 20) }
            .flatMap { $0.dataWatches + $0.existWatches + $0.childWatches }
    }
}
