import NIOCore
import NIOPosix
import Synchronization
import TestFixtures
import Testing
import ZooKeeperProtocol

@testable import ZooKeeperClient

/// What comes of a write that fails at once, in the middle of the event loop's turn.
@Suite("Writes that fail at once")
struct ReentryTests {
    /// The grant of a session and the end of its connection come in one go; the request that has waited is written in
    /// between, fails, and NIO says so before the write returns. The outage must be the last thing that is announced.
    @Test(.timeLimit(.minutes(5))) func anOutageIsNotCoveredByTheConnectionBeforeIt() async throws {
        let grants = Mutex(0)
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let isGranted = grants.withLock { grants in
                        grants += 1
                        return grants == 1
                    }
                    try channel.pipeline.syncOperations.addHandler(Granter(isGranted: isGranted))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        var configuration = try ZooKeeperClient.Configuration(connectString: "127.0.0.1:\(port)")
        configuration.sessionTimeout = .seconds(20)
        let client = ZooKeeperClient(configuration: configuration, logger: TestTree.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            group.addTask { _ = try? await client.getData("/waits") }
            // The second connection is accepted and never answered.
            try await eventually("it connects again") { grants.withLock { $0 > 1 } }
            #expect(!client.isConnected, "\(client.state)")
            group.cancelAll()
            while let result = await group.nextResult() { _ = result }
        }
        try await server.close()
    }

    /// Grants a session to whoever connects, and cuts the connection with the same breath; or says nothing.
    private final class Granter: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let isGranted: Bool

        init(isGranted: Bool) { self.isGranted = isGranted }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard isGranted else { return }
            var frame = ByteBuffer()
            Frame.write(into: &frame) {
                ConnectResponse(timeoutMilliseconds: 20_000, sessionID: 7, password: [UInt8](repeating: 1, count: 16))
                    .write(into: &$0)
            }
            let options = context.channel as? any SocketOptionProvider
            _ = options?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
            context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
            context.close(promise: nil)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
