import Glibc
import NIOCore
import Synchronization

/// What is to be written to one connection, in the order in which the session machine made it.
///
/// Bytes are added under the machine's lock and written after it was released, by one thread at a time: whoever comes
/// while another writes leaves its bytes to that one. Into a bare socket any thread may write, which saves waking the
/// event loop; what the socket does not take at once the channel writes, and everything behind it waits for that. With
/// TLS in between all goes through the channel, on its event loop alone.
///
/// The socket is a duplicate of the channel's descriptor: NIO closes its own before it says so, and by then the number
/// may be another file's. The duplicate is closed by ``close()``, or by whoever is writing then.
final class Outlet: Sendable {
    private struct State {
        var waiting: ByteBuffer?
        var isBusy = false
        var isClosed = false
    }

    let channel: any Channel
    /// Nil: the channel writes everything.
    private let socket: CInt?
    private let state = Mutex(State())

    /// - Parameter socket: A descriptor that belongs to the outlet from now on and does not block.
    init(channel: any Channel, socket: CInt?) {
        self.channel = channel
        self.socket = socket
    }

    /// Makes an outlet of a connection that has just opened; on its event loop.
    ///
    /// - Parameter isPlain: Whether what the machine makes are the bytes that go into the socket.
    static func open(_ context: ChannelHandlerContext, isPlain: Bool) -> Outlet {
        var socket: CInt?
        if isPlain {
            socket = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable {
                (handle: NIOBSDSocket.Handle) in
                fcntl(handle, F_DUPFD_CLOEXEC, 0)
            }
        }
        return Outlet(channel: context.channel, socket: socket.flatMap { $0 >= 0 ? $0 : nil })
    }

    /// Whether any thread may write.
    var isDirect: Bool { socket != nil }

    /// Adds bytes behind all others; under the machine's lock, whose order they keep. ``drain()`` has to follow.
    func add(_ bytes: ByteBuffer) {
        state.withLock { state in
            guard !state.isClosed else { return }
            if state.waiting == nil {
                state.waiting = bytes
            } else {
                state.waiting?.writeImmutableBuffer(bytes)
            }
        }
    }

    /// Writes what waits, unless somebody else is at it, who will.
    func drain() { drain(isWriter: false) }

    private func drain(isWriter: Bool) {
        guard var bytes = take(isWriter: isWriter) else { return }
        while true {
            if let rest = write(bytes) { return writeThroughChannel(rest) }
            guard let more = take(isWriter: true) else { return }
            // Whoever wrote its own request has an answer to wait for; others' bytes are the event loop's business.
            guard channel.eventLoop.inEventLoop else { return writeThroughChannel(more) }
            bytes = more
        }
    }

    /// The connection is gone: nothing is written any more.
    func close() {
        let isLast = state.withLock { state in
            guard !state.isClosed else { return false }
            state.isClosed = true
            state.waiting = nil
            // What a writer has in its hands was given up: it must not reach the server behind what is sent next, by
            // another connection. The writer has the socket until it asks for more, under this lock.
            if state.isBusy, let socket { _ = shutdown(socket, Int32(SHUT_RDWR)) }
            return !state.isBusy
        }
        if isLast { closeSocket() }
    }

    /// What is to be written now; nil ends the caller's turn as the writer.
    private func take(isWriter: Bool) -> ByteBuffer? {
        let (bytes, isLast) = state.withLock { state -> (ByteBuffer?, Bool) in
            guard isWriter || !state.isBusy else { return (nil, false) }
            let bytes = state.waiting
            state.waiting = nil
            state.isBusy = bytes != nil
            return (bytes, isWriter && bytes == nil && state.isClosed)
        }
        if isLast { closeSocket() }
        return bytes
    }

    /// - Returns: What the socket did not take, if anything; also when it has an error, which the channel will stumble
    ///   over.
    private func write(_ bytes: ByteBuffer) -> ByteBuffer? {
        guard let socket else { return bytes }
        let sent = bytes.withUnsafeReadableBytes { bytes in
            while true {
                let sent = send(socket, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
                if sent >= 0 { return sent }
                guard errno == EINTR else { return 0 }
            }
        }
        guard sent < bytes.readableBytes else { return nil }
        var rest = bytes
        rest.moveReaderIndex(forwardBy: sent)
        return rest
    }

    /// The caller stays the writer until the channel is done.
    private func writeThroughChannel(_ bytes: ByteBuffer) {
        if channel.eventLoop.inEventLoop {
            channel.writeAndFlush(bytes).whenComplete { self.channelHasWritten($0) }
        } else {
            channel.eventLoop.execute {
                self.channel.writeAndFlush(bytes).whenComplete { self.channelHasWritten($0) }
            }
        }
    }

    private func channelHasWritten(_ result: Result<Void, any Error>) {
        if case .failure = result {
            // Part of a request may be gone: nothing may follow it. The channel says why, and closes.
            state.withLock { state in
                state.isClosed = true
                state.waiting = nil
            }
        }
        drain(isWriter: true)
    }

    private func closeSocket() {
        if let socket { _ = Glibc.close(socket) }
    }
}
