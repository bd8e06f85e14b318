import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import ZooKeeperProtocol

/// Why a connection, or an attempt at one, came to its end.
public struct ConnectionFailure: Hashable, Sendable, CustomStringConvertible {
    /// Kinds of failure that call for different remedies.
    public enum Kind: Hashable, Sendable {
        /// No connection to the server: its name is unknown, nobody listens, no answer from the network.
        case unreachable
        /// TLS: one side does not trust the other, or does not speak it.
        case tls
        /// The server hung up before it granted a session: it has no quorum, is behind what this client has seen, or
        /// has too many connections.
        case refused
        /// The server does not answer.
        case silent
        /// An established connection is gone.
        case lost
        /// The session is over.
        case sessionExpired
        /// The server does not accept this client's credentials.
        case authentication
        /// The server does not keep to the protocol.
        case protocolViolation
    }

    /// What kind of failure it is.
    public var kind: Kind
    /// The server concerned.
    public var server: ServerAddress?
    /// For a human.
    public var message: String

    /// Makes a description of a failure.
    public init(kind: Kind, server: ServerAddress?, message: String) {
        self.kind = kind
        self.server = server
        self.message = message
    }

    public var description: String { (server.map { "\($0): " } ?? "") + message }
}

extension ConnectionFailure {
    /// What the network said.
    ///
    /// - Parameter tls: With what TLS is spoken, if it is.
    init(_ error: any Error, server: ServerAddress?, wasOpen: Bool, tls: TLSConfiguration?) {
        let text = "\(error)"
        if Self.isTLS(error) {
            let remedy = Self.remedy(text, own: tls?.certificateChain ?? [])
            self.init(kind: .tls, server: server, message: remedy ?? text)
        } else if error is WireFormatError {
            self.init(kind: .protocolViolation, server: server, message: text)
        } else if !wasOpen, Self.isHangUp(error) {
            self.init(kind: .refused, server: server, message: "the server closed the connection")
        } else {
            self.init(kind: wasOpen ? .lost : .unreachable, server: server, message: Self.words(error))
        }
    }

    /// What the system said, without the words of the library that asked it.
    private static func words(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            // Of several addresses of one name, the last is as good as any.
            if let last = error.connectionErrors.last { return words(last.error) }
            return "its name cannot be found" + (error.dnsAError.map { ": \(words($0))" } ?? "")
        case let error as IOError: return "\(String(cString: strerror(error.errnoCode))) (\(error.errnoCode))"
        default: return "\(error)"
        }
    }

    /// Why the client gave the connection up itself; nil when that was no failure.
    init?(_ reason: Effects.CloseReason, server: ServerAddress?) {
        let kind: Kind
        switch reason {
        case .closed: return nil
        case .connectTimeout, .readTimeout, .handshakeOutdated: kind = .silent
        case .sessionExpired: kind = .sessionExpired
        case .authenticationRefused: kind = .authentication
        case .protocolViolation: kind = .protocolViolation
        }
        self.init(kind: kind, server: server, message: "\(reason)")
    }

    /// Whether a server accepted the connection and hung up so fast that the first write failed.
    private static func isHangUp(_ error: any Error) -> Bool {
        let errors = (error as? NIOConnectionError)?.connectionErrors.map(\.error) ?? [error]
        return errors.contains { error in
            guard let code = (error as? IOError)?.errnoCode else { return false }
            return code == ECONNRESET || code == EPIPE
        }
    }

    static func isTLS(_ error: any Error) -> Bool {
        error is NIOSSLError || error is NIOSSLExtraError || error is BoringSSLError
    }

    private static let untrusted =
        "the server's certificate is not from an authority that this client trusts, or out of date"
    private static let misnamed = "the server's certificate is for another name"

    /// What the TLS library had against the server's certificate; nil when that was not it.
    var certificateObjection: ServerCertificate.Objection? {
        guard kind == .tls else { return nil }
        if message.hasPrefix(Self.untrusted) { return .trust }
        return message.hasPrefix(Self.misnamed) ? .name : nil
    }

    /// The library's words for the common mistakes, in ours.
    ///
    /// - Parameter own: What this client shows of itself.
    private static func remedy(_ text: String, own: [NIOSSLCertificateSource]) -> String? {
        let upper = text.uppercased()
        if upper.contains("CERTIFICATE_VERIFY_FAILED") { return untrusted }
        if upper.contains("HOSTNAME") { return misnamed }
        if upper.contains("ALERT_CERTIFICATE_EXPIRED") {
            let told = "the server says that this client's certificate has expired"
            guard case .certificate(let certificate)? = own.first else { return told }
            return told + ": it is valid until \(ServerCertificate.time(Int64(certificate.notValidAfter)))"
        }
        let isRefusal = ["UNKNOWN_CA", "BAD_CERTIFICATE", "CERTIFICATE_UNKNOWN", "HANDSHAKE_FAILURE"].contains {
            upper.contains($0)
        }
        if upper.contains("CERTIFICATE_REQUIRED") || (isRefusal && own.isEmpty) {
            return "the server wants a client certificate, and this client shows none"
        }
        if isRefusal {
            return "the server does not accept this client's certificate"
        }
        if upper.contains("WRONG_VERSION_NUMBER") || upper.contains("UNCLEAN") || upper.contains("EOF") {
            return "the server does not seem to speak TLS on this port"
        }
        return nil
    }
}
