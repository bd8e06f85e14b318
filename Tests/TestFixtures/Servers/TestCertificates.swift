/// An authority made for one test, a server certificate for 127.0.0.1 and localhost, and a client certificate.
///
/// Elliptic-curve keys: made in milliseconds. The files lie in a folder of their own, which the last reference removes.
public final class TestCertificates: Sendable {
    public let folder: String
    public var authority: String { "\(folder)/ca.pem" }
    public var server: String { "\(folder)/server.pem" }
    public var serverKey: String { "\(folder)/server.key" }
    /// A second certificate for a server with another name: verification of the host name must refuse it.
    public var otherServer: String { "\(folder)/other.pem" }
    public var otherServerKey: String { "\(folder)/other.key" }
    public var client: String { "\(folder)/client.pem" }
    public var clientKey: String { "\(folder)/client.key" }

    public init() async throws {
        folder = try makeTemporaryFolder("certificates")
        try await openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj",
            "/CN=test authority", "-keyout", "\(folder)/ca.key", "-out", authority)
        try await issue("server", extension: "subjectAltName=DNS:localhost,IP:127.0.0.1")
        try await issue("other", extension: "subjectAltName=DNS:elsewhere.example")
        try await issue("client", extension: "extendedKeyUsage=clientAuth")
    }

    deinit { removeAll(folder) }

    /// The server's certificate, over since yesterday: takes its place.
    public func expireServer() async throws {
        try await issue("server", extension: "subjectAltName=DNS:localhost,IP:127.0.0.1", days: "-1")
    }

    /// The client's key, encrypted with `password`; the path of a new file.
    public func encryptedClientKey(password: String) async throws -> String {
        let path = "\(folder)/client-encrypted.key"
        try await openssl("ec", "-in", clientKey, "-aes256", "-passout", "pass:\(password)", "-out", path)
        return path
    }

    private func issue(_ name: String, extension line: String, days: String = "2") async throws {
        let request = "\(folder)/\(name).csr"
        try await openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=\(name)",
            "-keyout",
            "\(folder)/\(name).key", "-out", request)
        try writeTextFile("\(folder)/\(name).ext", line + "\n")
        try await openssl(
            "x509", "-req", "-in", request, "-CA", authority, "-CAkey", "\(folder)/ca.key", "-CAcreateserial", "-days",
            days, "-extfile", "\(folder)/\(name).ext", "-out", "\(folder)/\(name).pem")
    }

    private func openssl(_ arguments: String...) async throws {
        let child = try ChildProcess(
            "openssl", arguments, logPath: "\(folder)/openssl.log", install: "apt-get install openssl")
        try await eventually("the end of openssl", every: .milliseconds(2), seen: { child.log }) { !child.isRunning }
        guard child.exitStatus == 0 else { throw FixtureError("openssl \(arguments.first ?? ""): \(child.log)") }
    }
}
