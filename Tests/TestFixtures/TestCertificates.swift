import Glibc

/// An authority made for one test, a server certificate for 127.0.0.1 and localhost, and a client certificate.
///
/// Elliptic-curve keys: made in milliseconds. The files lie in a folder of their own, which the last reference removes.
public final class TestCertificates: Sendable {
    public let folder: String
    /// A second certificate for a server with another name: verification of the host name must refuse it.
    public let otherServer: String
    public let otherServerKey: String

    public var authority: String { "\(folder)/ca.pem" }
    public var server: String { "\(folder)/server.pem" }
    public var serverKey: String { "\(folder)/server.key" }
    public var client: String { "\(folder)/client.pem" }
    public var clientKey: String { "\(folder)/client.key" }

    public init() throws {
        folder = try makeTemporaryFolder("certificates")
        otherServer = "\(folder)/other.pem"
        otherServerKey = "\(folder)/other.key"
        try openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
            "/CN=test authority", "-keyout", "\(folder)/ca.key", "-out", authority)
        try issue("server", extension: "subjectAltName=DNS:localhost,IP:127.0.0.1")
        try issue("other", extension: "subjectAltName=DNS:elsewhere.example")
        try issue("client", extension: "extendedKeyUsage=clientAuth")
    }

    deinit { removeAll(folder) }

    private func issue(_ name: String, extension line: String) throws {
        let request = "\(folder)/\(name).csr"
        try openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=\(name)", "-keyout",
            "\(folder)/\(name).key", "-out", request)
        try writeTextFile("\(folder)/\(name).ext", line + "\n")
        try openssl(
            "x509", "-req", "-in", request, "-CA", authority, "-CAkey", "\(folder)/ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "\(folder)/\(name).ext", "-out", "\(folder)/\(name).pem")
    }

    private func openssl(_ arguments: String...) throws {
        let child = try ChildProcess(
            "openssl", arguments, logPath: "\(folder)/openssl.log", install: "apt-get install openssl")
        while true {
            if let status = child.exitStatus {
                guard status == 0 else { throw FixtureError("openssl \(arguments.first ?? ""): \(child.log)") }
                return
            }
            usleep(2_000)
        }
    }
}
