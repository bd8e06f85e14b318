import ArgumentParser
import EmbeddedZooKeeper
import PlantConfiguration
import Primitives

/// The options of `tree serve` that say who may come in, and how: SASL, TLS and superusers.
struct TreeSecurityOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            """
            Who can prove itself by SASL (DIGEST-MD5): a file with a line user:password each, which others must not be \
            able to read. Lines that begin with # are comments. It is read again on SIGHUP; if it cannot be used, the \
            former users stay. Connections that are there stay who they are.
            """, valueName: "file"))
    var saslUsers: String?

    @Flag(name: .long, help: "End every session that asks for something before it has gone through SASL.")
    var requireSasl = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            """
            Who else may do everything: sasl:USER or x509:SUBJECT; may be given several times. A certificate's subject is \
            spelled as in RFC 2253, its last part first and no space after a comma: 'x509:CN=client one,O=Acme\\, \
            Inc.,C=DE'. A client's whoami shows it.
            """, valueName: "id"))
    var superuser: [String] = []

    @Option(
        name: .long,
        help: ArgumentHelp(
            """
            Where to speak TLS; may be given several times. Changed files of the following three are taken up by \
            themselves within seconds, or at once on SIGHUP; if they cannot be used, the former ones stay.
            """, valueName: "host:port"))
    var tlsListen: [String] = []

    @Option(
        name: .long,
        help: ArgumentHelp("The server's certificate, and those between it and its authority (PEM).", valueName: "pem"))
    var tlsCertificate: String?

    @Option(name: .long, help: ArgumentHelp("The certificate's private key (PEM, not encrypted).", valueName: "pem"))
    var tlsKey: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            """
            The authorities of clients (PEM). With it, TLS clients must show a certificate of theirs and have the identity \
            x509:SUBJECT; without it, they are not asked for one.
            """, valueName: "pem"))
    var tlsTrust: String?

    func validate() throws {
        _ = try tls()
        guard !requireSasl || saslUsers != nil else {
            throw ValidationError("--require-sasl needs --sasl-users: nobody could come in")
        }
        for id in superuser where !id.hasPrefix("sasl:") && !id.hasPrefix("x509:") {
            throw ValidationError("--superuser is \"\(id)\"; expected sasl:USER or x509:SUBJECT")
        }
        guard saslUsers != nil || !superuser.contains(where: { $0.hasPrefix("sasl:") }) else {
            throw ValidationError("--superuser sasl:USER needs --sasl-users: nobody could prove to be that user")
        }
        guard tlsTrust != nil || !superuser.contains(where: { $0.hasPrefix("x509:") }) else {
            throw ValidationError("--superuser x509:SUBJECT needs --tls-trust: no client could show such a certificate")
        }
    }

    /// - Throws: ``CommandFailure`` when the file of users cannot be used.
    func apply(to configuration: inout EmbeddedServer.Configuration) throws {
        configuration.superusers = superuser
        configuration.requiresSASL = requireSasl
        configuration.tls = try tls()
        do {
            configuration.saslUsers = try saslUsers.map { try SASLUsers(file: $0) }
        } catch {
            throw CommandFailure(.no, "\(error)")
        }
    }

    private func tls() throws -> EmbeddedServer.TLS? {
        guard !tlsListen.isEmpty else {
            guard tlsCertificate == nil, tlsKey == nil, tlsTrust == nil else {
                throw ValidationError("certificates are given, but no address for TLS: add --tls-listen HOST:PORT")
            }
            return nil
        }
        guard let tlsCertificate, let tlsKey else {
            throw ValidationError("--tls-listen needs --tls-certificate and --tls-key")
        }
        return EmbeddedServer.TLS(
            listen: try tlsListen.map { try HostAndPort(option: "--tls-listen", $0) }, certificate: tlsCertificate,
            key: tlsKey,
            trust: tlsTrust)
    }
}

extension HostAndPort {
    /// What an option says.
    init(option: String, _ text: String) throws {
        guard let address = HostAndPort(text, defaultPort: 2181) else {
            throw ValidationError(
                "\(option) is \"\(text)\"; expected HOST:PORT, such as 127.0.0.1:2181 or [::1]:2181")
        }
        self = address
    }
}
