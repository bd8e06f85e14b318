import NIOCore
import Primitives
import ZooKeeperProtocol

/// Cuts what a connection receives into frames and hands them over a read at a time. Confined to its event loop, on
/// which alone NIO calls a handler; `assumeIsolated()` relies on that.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let core: ClientCore
    private let maximumLength: Int
    private let isPlain: Bool
    private var outlet: Outlet?
    private var received = ByteBuffer()
    private var frames: [ByteBuffer] = []
    private var isPaused = false
    private var wantsRead = false
    private var error: (any Error)?

    /// - Parameter isPlain: Whether there is no other handler between it and the socket.
    init(core: ClientCore, maximumLength: Int, isPlain: Bool) {
        self.core = core
        self.isPlain = isPlain
        self.maximumLength = maximumLength
    }

    func channelActive(context: ChannelHandlerContext) {
        let outlet = Outlet.open(context, isPlain: isPlain)
        self.outlet = outlet
        core.connectionOpened(outlet)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Behind an error nothing has a meaning any more.
        guard error == nil else { return }
        var chunk = unwrapInboundIn(data)
        if received.readableBytes == 0 {
            // Nothing is left over: frames are slices of what the socket gave, without a copy.
            received = chunk
        } else {
            received.writeBuffer(&chunk)
        }
        do {
            while let frame = try Frame.decode(from: &received, maximumLength: maximumLength) { frames.append(frame) }
        } catch {
            // Here and not by the context, which would tell the next handler: there is none.
            errorCaught(context: context, error: error)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if let pause = deliver(context) { leaveAlone(for: pause, context) }
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        deliver(context)
        outlet?.close()
        core.connectionClosed(outlet, error: error)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        deliver(context)
        // The first says why; what follows are its consequences.
        if self.error == nil { self.error = error }
        context.close(promise: nil)
    }

    func read(context: ChannelHandlerContext) {
        if isPaused {
            wantsRead = true
        } else {
            context.read()
        }
    }

    /// Reads nothing more for a while; see ``SessionMachine/pause``.
    private func leaveAlone(for pause: Duration, _ context: ChannelHandlerContext) {
        guard !isPaused else { return }
        isPaused = true
        context.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(pause.wholeNanoseconds)) { [self] in
            isPaused = false
            core.resumed(outlet)
            guard wantsRead else { return }
            wantsRead = false
            context.read()
        }
    }

    @discardableResult
    private func deliver(_ context: ChannelHandlerContext) -> Duration? {
        guard !frames.isEmpty else { return nil }
        let batch = frames
        frames.removeAll(keepingCapacity: true)
        return core.received(batch, on: outlet)
    }
}
