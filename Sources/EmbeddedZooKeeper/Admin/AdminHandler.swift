import NIOCore
import NIOHTTP1

/// One HTTP connection of whoever asks how the server is: `GET /commands`, `/commands/<name>`, `/metrics`, `/health`.
///
/// On the engine's event loop, so it must cost it little: answers are bounded, a body is not accepted, and a connection
/// lives for ``lifetime`` at most however slowly its client writes or reads; one that asks nothing at first is closed much
/// sooner, so that those who are silent do not take the places of those who ask. NIO calls a handler on its channel's loop only,
/// which is what `assumeIsolated()` relies on.
final class AdminHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    static let lifetime = TimeAmount.seconds(30)
    private static let bodyLimit = 64 << 10

    private let core: ServerCore
    private var head: HTTPRequestHead?
    private var bodyBytes = 0
    private var timer: Scheduled<Void>?
    /// Runs until the first request's header is there.
    private var silence: Scheduled<Void>?

    init(core: ServerCore) {
        self.core = core
    }

    func channelActive(context: ChannelHandlerContext) {
        guard core.adminOpened(by: context.remoteAddress) else {
            context.close(promise: nil)
            return
        }
        let loop = context.eventLoop.assumeIsolated()
        timer = loop.scheduleTask(in: Self.lifetime) { context.close(promise: nil) }
        silence = loop.scheduleTask(in: core.limits.adminRequest) { context.close(promise: nil) }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if let timer {
            timer.cancel()
            core.adminClosed()
        }
        timer = nil
        silence?.cancel()
        silence = nil
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            silence?.cancel()
            silence = nil
            self.head = head
            bodyBytes = 0
        case .body(let bytes):
            bodyBytes += bytes.readableBytes
            if bodyBytes > Self.bodyLimit { context.close(promise: nil) }
        case .end:
            guard let head else { return }
            self.head = nil
            respond(to: head, context)
        }
    }

    private func respond(to head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let answer =
            head.method == .GET || head.method == .HEAD
            ? core.adminAnswer(head.uri) : AdminAnswer(status: .methodNotAllowed, text: "only GET\n")
        var response = HTTPResponseHead(version: head.version, status: answer.status)
        response.headers.add(name: "content-type", value: answer.contentType)
        response.headers.add(name: "content-length", value: String(answer.body.count))
        response.headers.add(name: "cache-control", value: "no-store")
        if answer.status == .methodNotAllowed { response.headers.add(name: "allow", value: "GET, HEAD") }
        if !head.isKeepAlive { response.headers.add(name: "connection", value: "close") }
        context.write(wrapOutboundOut(.head(response)), promise: nil)
        if head.method != .HEAD, !answer.body.isEmpty {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil)
        }
        let isLast = !head.isKeepAlive
        context.writeAndFlush(wrapOutboundOut(.end(nil))).assumeIsolated().whenComplete { _ in
            if isLast { context.close(promise: nil) }
        }
    }
}

struct AdminAnswer {
    var status: HTTPResponseStatus
    var contentType: String
    var body: [UInt8]

    init(status: HTTPResponseStatus = .ok, contentType: String, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    init(status: HTTPResponseStatus = .ok, text: String) {
        self.init(status: status, contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
    }
}
