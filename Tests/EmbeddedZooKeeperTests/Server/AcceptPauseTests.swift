import Foundation
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import EmbeddedZooKeeper

@Suite("A listener without descriptors")
struct AcceptPauseTests {
    @Test("takes no connection for a second, and goes on by itself; other errors are not its business")
    func pauses() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let told = Mutex(0)
        let accepted = Mutex<[ContinuousClock.Instant]>([])
        let listener = try await ServerBootstrap(group: group)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        AcceptPause { told.withLock { $0 += 1 } }, position: .first)
                }
            }
            .childChannelInitializer { channel in
                accepted.withLock { $0.append(.now) }
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let address = try #require(listener.localAddress)
        func connect() async throws -> any Channel {
            try await ClientBootstrap(group: group).connect(to: address).get()
        }
        func wait(for count: Int) async throws {
            let deadline = ContinuousClock.now + .seconds(10)
            while accepted.withLock({ $0.count }) < count, .now < deadline {
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(accepted.withLock { $0.count } == count)
        }
        let first = try await connect()
        try await wait(for: 1)
        let struck = ContinuousClock.now
        for code in [EMFILE, ENFILE, EMFILE] {
            listener.pipeline.fireErrorCaught(IOError(errnoCode: code, reason: "accept"))
        }
        // The kernel takes it; the listener does not look.
        let second = try await connect()
        try await wait(for: 2)
        #expect(accepted.withLock { $0.last.map { $0 - struck >= .milliseconds(900) } } == true)
        #expect(told.withLock { $0 } == 1)
        let third = try await connect()
        try await wait(for: 3)
        #expect(!AcceptPause.isShortage(EBADF))
        for channel in [first, second, third, listener] { try? await channel.close() }
        try await group.shutdownGracefully()
    }
}
