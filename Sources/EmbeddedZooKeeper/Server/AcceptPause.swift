import NIOCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Takes no connections for a while when the process has no descriptors, or the machine no memory, for them.
///
/// The connection that could not be taken stays where it was, so that a listener that tried again at once would do nothing
/// else: those that are connected would wait for it.
final class AcceptPause: ChannelInboundHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel

    static let pause = TimeAmount.seconds(1)

    private let exhausted: () -> Void
    private var isPaused = false

    /// - Parameter exhausted: called each time that a pause begins, on the event loop.
    init(exhausted: @escaping () -> Void) { self.exhausted = exhausted }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError, Self.isShortage(error.errnoCode) else {
            return context.fireErrorCaught(error)
        }
        guard !isPaused else { return }
        isPaused = true
        exhausted()
        // A read that is held back is not enough: the channel would still hear that somebody waits, again and again.
        _ = context.channel.setOption(.autoRead, value: false)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: Self.pause) {
            let (handler, context) = bound.value
            handler.isPaused = false
            guard context.channel.isActive else { return }
            _ = context.channel.setOption(.autoRead, value: true)
        }
    }

    static func isShortage(_ code: CInt) -> Bool { [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(code) }
}
