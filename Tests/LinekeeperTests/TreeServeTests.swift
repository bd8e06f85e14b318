import Foundation
import TestFixtures
import Testing

extension EndToEnd {
    /// What `tree serve` says about what it is told, and with what status it ends.
    @Suite("tree serve")
    struct TreeServeTests {
        @Test("a missing parent is named; a hang-up signal lets certificates be read again", .timeLimit(.minutes(1)))
        func parentsAndSignals() async throws {
            try await Stage.play("tree-serve") { stage in
                let certificates = try await TestCertificates()
                let server = try await TreeServer(
                    program: stage.program, scratch: stage.scratch,
                    options: [
                        "--tls-listen", "127.0.0.1:0", "--tls-certificate", certificates.server, "--tls-key",
                        certificates.serverKey,
                    ])
                func create(_ path: String) async throws -> (status: Int32?, text: String) {
                    let outcome = try await stage.program.call(
                        ["tree", "create", path, "--root", "--server", server.connectString], in: stage.scratch)
                    return (outcome.status, outcome.errors)
                }
                let early = try await create("/a/b")
                #expect(
                    early.status == 1 && early.text.contains("/a/b cannot be made: there is no node /a."), "\(early)")
                #expect(try await create("/a").status == 0)
                let deep = try await create("/a/b/c")
                #expect(deep.status == 1 && deep.text.contains("there is no node /a/b."), "\(deep)")
                #expect(try await create("/a/b").status == 0)
                let process = try #require(server.process)
                process.signal(SIGHUP)
                try await eventually("the certificates are read again", seen: { process.report() }) {
                    process.errors.contains("certificates read again")
                }
                #expect(process.isRunning)
                await server.stop()
            }
        }

        @Test("mistakes are named, with what to do", .timeLimit(.minutes(1)))
        func mistakes() async throws {
            try await Stage.play("tree-serve-mistakes") { stage in
                let users = stage.scratch.file("users")
                try Data("ann:secret\n".utf8).write(to: URL(fileURLWithPath: users))
                try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: users)
                let taken = try await TreeServer(program: stage.program, scratch: stage.scratch)
                let wrong: [([String], Int32, String)] = [
                    (["--require-sasl"], 2, "--require-sasl needs --sasl-users"),
                    (["--tls-listen", "127.0.0.1:0"], 2, "--tls-listen needs --tls-certificate and --tls-key"),
                    (["--tls-trust", "ca.pem"], 2, "add --tls-listen HOST:PORT"),
                    (["--listen", "127.0.0.1:x"], 2, "--listen is \"127.0.0.1:x\"; expected HOST:PORT"),
                    (["--superuser", "ann"], 2, "expected sasl:USER or x509:SUBJECT"),
                    (["--superuser", "sasl:bob"], 2, "--superuser sasl:USER needs --sasl-users"),
                    (["--superuser", "x509:CN=bob"], 2, "--superuser x509:SUBJECT needs --tls-trust"),
                    (["--data", ""], 2, "--data is empty; expected the folder"),
                    (
                        ["--listen", "127.0.0.1:2999", "--admin-listen", "127.0.0.1:2999"], 1,
                        "127.0.0.1:2999 is given twice: each listener needs an address of its own"
                    ),
                    (["--container-sweep-ms", "0"], 2, "--container-sweep-ms is 0"),
                    (["--sasl-users", users], 1, "chmod o-rwx \(users)"),
                    (
                        ["--tls-listen", "127.0.0.1:0", "--tls-certificate", "none.pem", "--tls-key", "none.key"], 1,
                        "cannot read the server's certificate in none.pem"
                    ),
                    (
                        ["--listen", taken.connectString], 1,
                        "another program listens there. Stop it, or choose another"
                    ),
                    (["--listen", "no-such-host.invalid:1"], 1, "cannot be resolved"),
                ]
                for (options, status, message) in wrong {
                    let arguments = ["tree", "serve", "--data", stage.scratch.file("other")] + options
                    let outcome = try await stage.program.call(arguments, in: stage.scratch)
                    #expect(outcome.status == status, "\(outcome)")
                    #expect(outcome.errors.contains(message), "\(outcome)")
                    #expect(!FileManager.default.fileExists(atPath: stage.scratch.file("other")), "\(options)")
                }
                await taken.stop()
            }
        }
    }
}
