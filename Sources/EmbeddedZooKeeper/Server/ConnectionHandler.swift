import NIOCore
import NIOSSL
import ZooKeeperProtocol

/// A connection's end of the pipeline: cuts frames out of the bytes, hands them to the engine, and writes what the engine
/// lets go.
///
/// **Limits.** While a client does not take its output (the channel is not writable, or too much waits for the disk), or
/// while the log to be written has grown too long, nothing more is read from it. Output that nevertheless grows past
/// ``ServerCore/Limits/outputBytes`` (watch events for somebody who does not read) ends the connection: its session and
/// its ephemeral nodes stay, and the client sets its watches anew when it returns.
///
/// Nobody gets more than ``ServerCore/Limits/framesPerTurn`` requests taken before others have their turn. A request longer
/// than the frame limit is answered with `MarshallingError` and skipped without being kept in memory; one of more than twice
/// the limit ends the connection without an answer, as with every ZooKeeper server (kazoo's suite insists on it).
///
/// NIO calls a handler on its channel's event loop only, and the core calls on the same one: that is what every
/// `assumeIsolated()` here relies on.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let core: ServerCore
    private var context: ChannelHandlerContext?
    private(set) var client: Client?
    private var input = ByteBuffer()
    private var isReadHeld = false
    /// How much of a request that is too long is still to be skipped.
    private var bytesToSkip = 0
    private var isTurnScheduled = false
    /// Whether the core has it on its list of those that wait for the disk.
    var isOnHold = false
    /// Whether taking frames stopped before the end of what has arrived.
    private var hasFramesLeft = false
    private var isClosing = false
    private var unsentBytes = 0
    private let isPlain: Bool
    /// The socket, while it is open and what the client is owed are the bytes that are to go into it. NIO closes a socket
    /// and calls ``channelInactive(context:)`` in one go; the engine has no turn between.
    private var descriptor: NIOBSDSocket.Handle?

    /// - Parameter isPlain: Whether there is no other handler between it and the socket.
    init(core: ServerCore, isPlain: Bool) {
        self.core = core
        self.isPlain = isPlain
    }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        if isPlain {
            descriptor = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable { $0 }
        }
        guard let client = core.accept(self, address: context.remoteAddress) else {
            context.close(promise: nil)
            return
        }
        self.client = client
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if let client { core.disconnected(client) }
        client = nil
        descriptor = nil
        self.context = nil
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if client?.phase == .awaitingHandshake, error is NIOSSLError || error is BoringSSLError {
            core.noteFailedHandshake(client, error)
        }
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if bytesToSkip > 0 {
            let count = min(bytesToSkip, bytes.readableBytes)
            bytesToSkip -= count
            bytes.moveReaderIndex(forwardBy: count)
            guard bytes.readableBytes > 0 else { return }
        }
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
        if hasFramesLeft, !mustPause { takeFrames() }
        if hasFramesLeft || isOutputLarge { core.settle() }
        goOn(context)
    }

    /// Reads on; or first takes what has arrived, or waits.
    private func goOn(_ context: ChannelHandlerContext) {
        // What stays in the buffer would otherwise wait until the client sends more.
        if hasFramesLeft, !mustPause { yieldTurn() }
        if mustPause {
            isReadHeld = true
            waitForRoom(context)
        } else {
            isReadHeld = false
            client?.isHeldBack = false
            context.read()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { resume() }
        context.fireChannelWritabilityChanged()
    }

    /// Goes on where reading was held back, if the reason is gone.
    func resume() {
        guard let context, isReadHeld else { return }
        guard !mustPause else {
            // Whoever is called and cannot go on must be called again.
            waitForRoom(context)
            return
        }
        takeFrames()
        core.settle()
        goOn(context)
    }

    /// Has itself called when the disk has caught up; the end of the others' turn calls by itself.
    private func waitForRoom(_ context: ChannelHandlerContext) {
        guard !isTurnScheduled else { return }
        core.hold(self, isOurDoing: context.channel.isWritable)
    }

    private var mustPause: Bool {
        guard let client, let context else { return false }
        return isTurnScheduled || !context.channel.isWritable || client.gatedBytes > core.limits.gatedBytes
            || isOutputLarge || core.isBacklogged
    }

    /// Whether so much is to be sent that it should go before more is taken: small requests can have large answers.
    private var isOutputLarge: Bool { (client?.ready.readableBytes ?? 0) > core.limits.outputPerTurn }

    private func takeFrames() {
        guard let client, !isTurnScheduled else { return }
        if client.phase == .awaitingHandshake, answersFourLetterWord() { return }
        let now = core.now()
        let sentBefore = client.sent &- UInt64(client.gatedAnswers)
        var budget = core.limits.framesPerTurn
        hasFramesLeft = false
        while !isClosing, client.phase == .awaitingHandshake || client.phase == .connected {
            guard budget > 0 else {
                yieldTurn()
                break
            }
            guard !mustPause else {
                hasFramesLeft = true
                break
            }
            do {
                guard var frame = try Frame.decode(from: &input, maximumLength: core.limits.frameBytes) else { break }
                core.receive(&frame, from: client, now: now)
            } catch {
                guard refuseOversize(client, now) else { break }
            }
            budget -= 1
        }
        if input.readableBytes == 0 { input = ByteBuffer() }
        let answered = client.sent &- UInt64(client.gatedAnswers)
        if answered > sentBefore { core.noteReads(of: client, since: now, answers: Int(answered &- sentBefore)) }
    }

    /// Lets others have their turn before more is taken from this connection.
    private func yieldTurn() {
        guard let context, !isTurnScheduled else { return }
        hasFramesLeft = true
        isTurnScheduled = true
        context.eventLoop.assumeIsolated().execute { [self] in
            isTurnScheduled = false
            takeFrames()
            core.settle()
            resume()
        }
    }

    /// The next request has a length that is not allowed: answers it, if it can be told which request it is, and arranges
    /// for its content to be skipped.
    ///
    /// - Returns: Whether it could be done now.
    private func refuseOversize(_ client: Client, _ now: Now) -> Bool {
        guard client.phase == .connected,
            let length = input.getInteger(at: input.readerIndex, as: Int32.self), length > 0
        else {
            core.abort(client)
            return false
        }
        guard input.readableBytes >= 12 else { return false }
        let isAbsurd = Int(length) > core.limits.skippedBytes
        input.moveReaderIndex(forwardBy: 4)
        guard let header = try? RequestHeader(from: &input) else { return false }
        bytesToSkip = Int(length) - 8
        let count = min(bytesToSkip, input.readableBytes)
        input.moveReaderIndex(forwardBy: count)
        bytesToSkip -= count
        core.refuseOversize(header, length: Int(length), from: client, closes: isAbsurd, now: now)
        return true
    }

    private func answersFourLetterWord() -> Bool {
        guard !isClosing, let context, let word = input.getString(at: input.readerIndex, length: 4),
            Engine.fourLetterWords.contains(word)
        else { return false }
        isClosing = true
        let argument = input.getInteger(at: input.readerIndex + 4, as: Int64.self)
        input.clear()
        let answer = core.answer(word, argument: argument)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer))).assumeIsolated().whenComplete { [self] _ in
            self.context?.close(promise: nil)
        }
        dropSoon(context)
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
            let bytes = client.takeReady()
            core.noteSent(count)
            guard unsentBytes + count <= core.limits.outputBytes else {
                core.overflowed(client)
                isClosing = true
                context.close(promise: nil)
                return
            }
            let isLast = client.phase == .closing && client.gated.isEmpty
            isClosing = isLast
            write(bytes, context, isLast: isLast)
            if isLast { dropSoon(context) }
        } else if client.phase == .closing, client.gated.isEmpty {
            isClosing = true
            context.close(promise: nil)
        }
    }

    private func write(_ bytes: ByteBuffer, _ context: ChannelHandlerContext, isLast: Bool) {
        let count = bytes.readableBytes
        unsentBytes += count
        context.writeAndFlush(wrapOutboundOut(bytes)).assumeIsolated().whenComplete { [self] _ in
            unsentBytes -= count
            if isLast { self.context?.close(promise: nil) }
        }
    }

    // MARK: With others

    /// Takes what the engine has let go, to be written together with what others have.
    ///
    /// - Returns: `nil` when there is nothing, or when it must go through the pipeline: because something before it does, or
    ///   the connection ends with it. ``flush()`` does what is right then.
    func takeOutput(index: Int) -> SocketBatch.Item? {
        guard let descriptor, let client, !isClosing, client.phase == .connected, unsentBytes == 0,
            (1...core.limits.outputPerTurn).contains(client.ready.readableBytes)
        else { return nil }
        let bytes = client.takeReady()
        core.noteSent(bytes.readableBytes)
        return SocketBatch.Item(descriptor: descriptor, bytes: bytes, index: index)
    }

    /// Writes, when there is room, what the socket has not taken.
    func putBack(_ bytes: ByteBuffer) {
        guard let context else { return }
        write(bytes, context, isLast: false)
    }

    // MARK: The end

    /// Closes in a while, even if the peer does not take the last of its output.
    private func dropSoon(_ context: ChannelHandlerContext) {
        context.eventLoop.assumeIsolated().scheduleTask(in: core.limits.farewell) { [weak self] in self?.drop() }
    }

    /// Closes without sending what is owed.
    func drop() {
        isClosing = true
        context?.close(promise: nil)
    }
}
