import NIOCore
import NIOHTTP1
import NIOPosix
import Primitives

extension EmbeddedServer {
    /// Listens for those who ask how the server is.
    ///
    /// - Throws: ``EmbeddedServerError`` when the address cannot be had.
    func bindAdmin(
        _ address: HostAndPort, _ core: NIOLoopBound<ServerCore>, on loop: any EventLoop
    ) async throws -> any Channel {
        do {
            return try await ServerBootstrap(group: loop)
                .serverChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pause = AcceptPause { core.value.noteOutOfDescriptors() }
                        try channel.pipeline.syncOperations.addHandler(pause, position: .first)
                    }
                }
                .serverChannelOption(.backlog, value: 64)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                // One request is read at a time; the next waits until the answer to the last has gone.
                .childChannelOption(.maxMessagesPerRead, value: 1)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        try pipeline.configureHTTPServerPipeline(
                            withPipeliningAssistance: true, withErrorHandling: true)
                        try pipeline.addHandler(AdminHandler(core: core.value))
                    }
                }
                .bind(host: address.host, port: address.port).get()
        } catch {
            throw EmbeddedServerError(cannotListenOn: address, error)
        }
    }
}
