import NIOCore
import NIOPosix
import TestFixtures
import Testing
import ZooKeeperProtocol

@testable import ZooKeeperClient

/// What comes behind the length of a frame that cannot be is not understood any more.
@Suite("Frames that cannot be") struct FrameFaultTests {
    /// Grants a session and answers everything else with `answer`.
    private final class Server: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let answer: [UInt8]
        private var received = ByteBuffer()
        private var isGranted = false

        init(answer: [UInt8]) { self.answer = answer }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var chunk = unwrapInboundIn(data)
            received.writeBuffer(&chunk)
            while let _ = try? Frame.decode(from: &received) {
                var out = ByteBuffer(bytes: answer)
                if !isGranted {
                    isGranted = true
                    out = ByteBuffer()
                    Frame.write(into: &out) {
                        ConnectResponse(
                            timeoutMilliseconds: 30_000, sessionID: 7, password: [UInt8](repeating: 9, count: 16)
                        ).write(into: &$0)
                    }
                }
                context.writeAndFlush(wrapOutboundOut(out), promise: nil)
            }
        }
    }

    /// The read timeout is 20 s: the connection ends because of the frame or not at all.
    @Test(arguments: [[0x7f, 0xff, 0xff, 0xff], [0xff, 0xff, 0xff, 0xff], [0x00, 0x01, 0x00, 0x01]])
    func costTheConnectionAtOnce(_ length: [UInt8]) async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Server(answer: length))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        try await withClient(
            port: port,
            configure: {
                $0.maximumResponseLength = 65_536
                $0.requestTimeout = .seconds(30)
                $0.sessionTimeout = .seconds(30)
            }
        ) { client in
            let start = ContinuousClock.now
            await expect(.connectionLoss) { try await client.getData("/") }
            #expect(ContinuousClock.now - start < .seconds(10))
            #expect(client.lastFailure?.kind == .protocolViolation, "\(String(describing: client.lastFailure))")
        }
        try await server.close()
    }
}
