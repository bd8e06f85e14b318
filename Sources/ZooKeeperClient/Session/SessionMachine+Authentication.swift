import NIOCore
import ZooKeeperProtocol

/// SASL (DIGEST-MD5), between the grant of the session and everything else.
extension SessionMachine {
    /// An exchange under way.
    struct Authentication {
        var exchange: DigestMD5Client
        /// That of the last token sent; its answer carries the next.
        var xid: Int32
        var connectSentAt: Moment
        var isNewSession: Bool
    }

    mutating func beginAuthentication(
        _ credentials: SASLCredentials, connectSentAt: Moment, isNew: Bool,
        at now: Moment, _ effects: inout Effects
    ) {
        phase = .authenticating(deadline: now + connectTimeout)
        let exchange = DigestMD5Client(
            user: credentials.user, password: credentials.password, clientNonce: settings.makeNonce())
        let xid = nextXid()
        authentication = Authentication(
            exchange: exchange, xid: xid, connectSentAt: connectSentAt, isNewSession: isNew)
        // The server speaks first; an empty token asks it to.
        effects.write = token([], xid: xid, at: now)
    }

    mutating func authenticationAnswered(
        _ frame: inout ByteBuffer, at now: Moment, _ effects: inout Effects
    ) throws {
        guard var current = authentication, let session else { return }
        let header = try ReplyHeader(from: &frame)
        guard header.xid == current.xid else {
            effects.close = .protocolViolation("answer to request \(header.xid), expected \(current.xid)")
            return
        }
        guard header.error == .ok else {
            effects.close = .authenticationRefused(.authFailed, "it refuses user and password (SASL)")
            return
        }
        do {
            switch try current.exchange.receive(try SASLToken(from: &frame).token ?? []) {
            case .send(let answer):
                current.xid = nextXid()
                authentication = current
                effects.write = token(answer, xid: current.xid, at: now)
            case .done:
                authentication = nil
                establish(
                    session, connectSentAt: current.connectSentAt, isNew: current.isNewSession, at: now, &effects)
            }
        } catch let error as SASLError {
            effects.close = .authenticationRefused(.authFailed, "\(error)")
        }
    }

    private mutating func token(_ token: [UInt8], xid: Int32, at now: Moment) -> ByteBuffer {
        var out = ByteBuffer()
        Frame.write(into: &out) { out in
            RequestHeader(xid: xid, operation: .sasl).write(into: &out)
            SASLToken(token: token).write(into: &out)
        }
        noteSent(at: now)
        return out
    }
}
