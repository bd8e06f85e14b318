import NIOCore
import NIOSSL
public import Primitives

extension EmbeddedServer {
    /// Where and how to speak TLS.
    public struct TLS: Sendable, Hashable {
        /// Where to listen, beside the addresses without TLS.
        public var listen: [HostAndPort]
        /// The file with the server's certificate, and after it those up to an authority that clients know (PEM).
        public var certificate: String
        /// The file with the certificate's private key (PEM).
        public var key: String
        /// The file with the authorities of clients (PEM). With it, every client must show a certificate of theirs, which
        /// gives it the identity `x509:<subject>`; without it, clients are not asked for one.
        public var trust: String?

        /// Makes it from its parts.
        public init(listen: [HostAndPort], certificate: String, key: String, trust: String? = nil) {
            self.listen = listen
            self.certificate = certificate
            self.key = key
            self.trust = trust
        }

        /// Reads the files.
        ///
        /// - Throws: ``EmbeddedServerError`` that says which file and what to do.
        func makeContext() throws(EmbeddedServerError) -> NIOSSLContext {
            let chain = try Self.certificates(certificate, what: "the server's certificate")
            let keyBytes = try FileContent.read(key, what: "the server's private key")
            guard let privateKey = try? NIOSSLPrivateKey(bytes: keyBytes, format: .pem) else {
                throw EmbeddedServerError(
                    "\(key) holds no private key that can be used: expected an unencrypted one in PEM form "
                        + "(-----BEGIN PRIVATE KEY-----)")
            }
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(privateKey))
            configuration.minimumTLSVersion = .tlsv12
            // How long a connection that is over waits for the client to agree.
            configuration.shutdownTimeout = .seconds(1)
            if let trust {
                configuration.trustRoots = .certificates(
                    try Self.certificates(trust, what: "the authorities of clients"))
                configuration.certificateVerification = .noHostnameVerification
            }
            do {
                return try NIOSSLContext(configuration: configuration)
            } catch {
                throw EmbeddedServerError(
                    "the certificate in \(certificate) and the key in \(key) do not work together (\(error)): "
                        + "is the key another certificate's? The server's own certificate must be the first of its file."
                )
            }
        }

        private static func certificates(_ path: String, what: String) throws(EmbeddedServerError)
            -> [NIOSSLCertificate]
        {
            let bytes = try FileContent.read(path, what: what)
            guard let certificates = try? NIOSSLCertificate.fromPEMBytes(bytes), !certificates.isEmpty else {
                throw EmbeddedServerError(
                    "\(path) holds no certificate: expected \(what) in PEM form (-----BEGIN CERTIFICATE-----)")
            }
            return certificates
        }
    }
}
