import Glibc
import NIOCore
import NIOPosix
import Synchronization
import TestFixtures
import Testing

@testable import ZooKeeperClient

@Suite("Outlet")
struct OutletTests {
    private static let messageLength = 1000

    /// An outlet and the other end of its connection, between small buffers.
    private func withOutlet(
        isPlain: Bool = true, _ body: (Outlet, Peer) async throws -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let peer = Peer()
        let server = try await ServerBootstrap(group: group)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.socketOption(.so_rcvbuf), value: 65_536)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(peer) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let outlet = group.any().makePromise(of: Outlet.self)
        let client = try await ClientBootstrap(group: group)
            .channelOption(.socketOption(.so_sndbuf), value: 32_768)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Opener(isPlain: isPlain, outlet))
                }
            }
            .connect(to: try #require(server.localAddress)).get()
        do {
            try await body(try await outlet.futureResult.get(), peer)
        } catch {
            Issue.record(error)
        }
        try? await client.close()
        try await server.close()
    }

    /// Numbered messages from many tasks; `numbers` stands for the machine, whose lock gives the order.
    private func send(_ count: Int, through outlet: Outlet, _ numbers: Numbers) async {
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<count / 8 {
                        numbers.last.withLock { last in
                            last += 1
                            var message = ByteBuffer(integer: last)
                            message.writeRepeatingByte(0, count: Self.messageLength - 8)
                            outlet.add(message)
                        }
                        if outlet.isDirect {
                            outlet.drain()
                        } else {
                            outlet.channel.eventLoop.execute { outlet.drain() }
                        }
                    }
                }
            }
        }
    }

    /// Whether what arrived are the messages in order, as far as they go.
    private func isInOrder(_ bytes: ByteBuffer) -> Bool {
        var bytes = bytes
        var expected: Int64 = 1
        while bytes.readableBytes >= Self.messageLength {
            guard bytes.readInteger(as: Int64.self) == expected else { return false }
            bytes.moveReaderIndex(forwardBy: Self.messageLength - 8)
            expected += 1
        }
        return true
    }

    @Test(arguments: [true, false]) func bytesKeepTheirOrderWhateverTheSocketTakesAndWhoeverWrites(
        isPlain: Bool
    ) async throws {
        try await withOutlet(isPlain: isPlain) { outlet, peer in
            #expect(outlet.isDirect == isPlain)
            let numbers = Numbers()
            // More than the buffers take, while nobody reads; and then while somebody does.
            await send(800, through: outlet, numbers)
            try await peer.startReading()
            await send(800, through: outlet, numbers)
            try await eventually("all has arrived", seen: { "\(peer.received.readableBytes)" }) {
                peer.received.readableBytes == 1600 * Self.messageLength
            }
            #expect(isInOrder(peer.received))
        }
    }

    @Test func afterACutNothingIsWrittenIntoADescriptorThatSomebodyElseHas() async throws {
        try await withOutlet { outlet, peer in
            let numbers = Numbers()
            try await peer.startReading()
            async let writing: Void = send(4000, through: outlet, numbers)
            try await eventually("some has arrived") { peer.received.readableBytes > 100 * Self.messageLength }
            try await peer.reset()
            try await outlet.channel.closeFuture.get()
            await writing
            // Those that are free now are given out again, the lowest first.
            var others: [(CInt, CInt)] = []
            defer { for pair in others { _ = (Glibc.close(pair.0), Glibc.close(pair.1)) } }
            for _ in 0..<50 {
                var pair: [CInt] = [0, 0]
                try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
                others.append((pair[0], pair[1]))
            }
            await send(80, through: outlet, numbers)
            for pair in others {
                for descriptor in [pair.0, pair.1] {
                    var byte: UInt8 = 0
                    #expect(recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT)) == -1)
                }
            }
            #expect(isInOrder(peer.received))
        }
    }

    @Test func theEndReachesThePeerWhoeverWritesWhenItComes() async throws {
        try await withOutlet { outlet, peer in
            let numbers = Numbers()
            // The buffers are full: the channel is the writer.
            await send(800, through: outlet, numbers)
            try await outlet.channel.close()
            await send(8, through: outlet, numbers)
            // It stays open as long as anybody has a descriptor of it. NIO may have told the peer of its end already.
            try? await peer.startReading()
            try await eventually("the end", seen: { "\(peer.received.readableBytes)" }) { peer.isOver }
            #expect(peer.received.readableBytes < 800 * Self.messageLength)
            #expect(isInOrder(peer.received))
        }
    }

    private final class Numbers: Sendable {
        let last = Mutex<Int64>(0)
    }

    /// Opens the outlet as a connection of the client does.
    private final class Opener: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let isPlain: Bool
        private let promise: EventLoopPromise<Outlet>
        private var outlet: Outlet?

        init(isPlain: Bool, _ promise: EventLoopPromise<Outlet>) {
            self.isPlain = isPlain
            self.promise = promise
        }

        func channelActive(context: ChannelHandlerContext) {
            let outlet = Outlet.open(context, isPlain: isPlain)
            self.outlet = outlet
            promise.succeed(outlet)
        }

        func channelInactive(context: ChannelHandlerContext) { outlet?.close() }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    /// The other end, which reads when it is told to.
    private final class Peer: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer

        private struct State {
            var channel: (any Channel)?
            var received = ByteBuffer()
            var isOver = false
        }

        private let state = Mutex(State())

        var received: ByteBuffer { state.withLock { $0.received } }
        var isOver: Bool { state.withLock { $0.isOver } }

        private func channel() async throws -> any Channel {
            try await eventuallyValue("a connection") { self.state.withLock { $0.channel } }
        }

        func startReading() async throws { try await channel().setOption(.autoRead, value: true).get() }

        /// Cuts the connection without a word.
        func reset() async throws {
            let channel = try await channel()
            let options = try #require(channel as? any SocketOptionProvider)
            try await options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
            try await channel.close()
        }

        func channelActive(context: ChannelHandlerContext) {
            let channel = context.channel
            state.withLock { $0.channel = channel }
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            state.withLock { _ = $0.received.writeImmutableBuffer(bytes) }
        }

        func channelInactive(context: ChannelHandlerContext) { state.withLock { $0.isOver = true } }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
