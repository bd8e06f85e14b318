import NIOCore
import NIOSSL
import NIOTLS

/// Tells who the client is by its certificate, once the TLS handshake has verified it.
///
/// Stands between the TLS handler and the connection's own, which reads nothing before the handshake is over.
final class ClientCertificateHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let connection: ConnectionHandler
    private let core: ServerCore

    init(connection: ConnectionHandler, core: ServerCore) {
        self.connection = connection
        self.core = core
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted? = event as? TLSUserEvent {
            let certificate = try? context.pipeline.syncOperations.nioSSL_peerCertificate()
            if let certificate, let client = connection.client { identify(client, by: certificate, context) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func identify(_ client: Client, by certificate: NIOSSLCertificate, _ context: ChannelHandlerContext) {
        do {
            let subject = try DistinguishedName.subject(ofCertificate: try certificate.toDERBytes())
            core.prove(Identity(scheme: "x509", id: subject), client)
        } catch {
            // Verified by the TLS library, and yet not readable: better no connection than one that is nobody.
            context.close(promise: nil)
        }
    }
}
