import NIOCore
import ZooKeeperProtocol

/// A connection's end of the pipeline: cuts frames out of the bytes, hands them to the engine, and writes what the engine
/// lets go.
///
/// **Limits.** While a client does not take its output (the channel is not writable, or too much waits for the disk), or
/// while the log to be written has grown too long, nothing more is read from it. Output that nevertheless grows past
/// ``ServerCore/Limits/outputBytes`` (watch events for somebody who does not read) ends the connection: its session and
/// its ephemeral nodes stay, and the client sets its watches anew when it returns.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let core: ServerCore
    private var context: ChannelHandlerContext?
    private(set) var client: Client?
    private var input = ByteBuffer()
    private var isReadHeld = false
    /// Whether taking frames stopped before the end of what has arrived.
    private var hasFramesLeft = false
    private var isClosing = false
    private var unsentBytes = 0

    init(core: ServerCore) {
        self.core = core
    }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        guard let client = core.accept(self, address: context.remoteAddress?.ipAddress ?? "") else {
            context.close(promise: nil)
            return
        }
        self.client = client
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if let client { core.disconnected(client) }
        client = nil
        self.context = nil
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if input.readableBytes == 0 {
            input = bytes
        } else {
            input.discardReadBytes()
            input.writeBuffer(&bytes)
        }
        takeFrames()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        core.settle()
        context.fireChannelReadComplete()
    }

    /// Holds back reading while there is more work than can be taken.
    func read(context: ChannelHandlerContext) {
        if hasFramesLeft, !mustPause {
            takeFrames()
            core.settle()
        }
        if mustPause {
            isReadHeld = true
            core.hold(self)
        } else {
            context.read()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { resume() }
        context.fireChannelWritabilityChanged()
    }

    /// Goes on where reading was held back, if the reason is gone.
    func resume() {
        guard let context, isReadHeld, !mustPause else { return }
        takeFrames()
        core.settle()
        if mustPause {
            core.hold(self)
        } else {
            isReadHeld = false
            context.read()
        }
    }

    private var mustPause: Bool {
        guard let client, let context else { return false }
        return !context.channel.isWritable || client.gatedBytes > core.limits.gatedBytes || core.isBacklogged
    }

    private func takeFrames() {
        guard let client else { return }
        if client.phase == .awaitingHandshake, answersFourLetterWord() { return }
        let now = core.now()
        hasFramesLeft = false
        while !isClosing, client.phase == .awaitingHandshake || client.phase == .connected {
            guard !mustPause else {
                hasFramesLeft = true
                return
            }
            do {
                guard var frame = try Frame.decode(from: &input) else { break }
                core.receive(&frame, from: client, now: now)
            } catch {
                core.abort(client)
            }
        }
        if input.readableBytes == 0 { input = ByteBuffer() }
    }

    private func answersFourLetterWord() -> Bool {
        guard !isClosing, let context, let word = input.getString(at: input.readerIndex, length: 4),
            Engine.fourLetterWords.contains(word)
        else { return false }
        isClosing = true
        input.clear()
        let answer = core.answer(word)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer))).assumeIsolated().whenComplete { [self] _ in
            self.context?.close(promise: nil)
        }
        return true
    }

    /// Writes what the engine has let go, and closes when there is no more to come.
    func flush() {
        guard let context, let client, !isClosing else { return }
        guard client.phase != .aborted else {
            isClosing = true
            context.close(promise: nil)
            return
        }
        let count = client.ready.readableBytes
        if count > 0 {
            let bytes = client.ready
            client.ready = context.channel.allocator.buffer(capacity: min(count, 16 << 10))
            unsentBytes += count
            guard unsentBytes <= core.limits.outputBytes else {
                core.overflowed(client)
                isClosing = true
                context.close(promise: nil)
                return
            }
            let isLast = client.phase == .closing && client.gated.isEmpty
            isClosing = isLast
            context.writeAndFlush(wrapOutboundOut(bytes)).assumeIsolated().whenComplete { [self] _ in
                unsentBytes -= count
                if isLast { self.context?.close(promise: nil) }
            }
        } else if client.phase == .closing, client.gated.isEmpty {
            isClosing = true
            context.close(promise: nil)
        }
    }

    /// Closes without sending what is owed.
    func drop() {
        isClosing = true
        context?.close(promise: nil)
    }
}
