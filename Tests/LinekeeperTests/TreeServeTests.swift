import Foundation
import Logging
import TestFixtures
import Testing
import ZooKeeperClient

extension EndToEnd {
    /// What `tree serve` says about what it is told, and with what status it ends.
    @Suite("tree serve")
    struct TreeServeTests {
        @Test("a missing parent is named; a hang-up signal lets certificates be read again", .timeLimit(.minutes(5)))
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

        @Test(
            "a hang-up signal lets users in, and locks them out; a file that cannot be used changes nothing",
            .timeLimit(.minutes(5)))
        func changedUsers() async throws {
            try await Stage.play("tree-serve-users") { stage in
                let users = try stage.scratch.write("ann:secret\n", to: "users")
                func rewrite(_ text: String) throws {
                    _ = try stage.scratch.write(text, to: "users")
                    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: users)
                }
                try rewrite("ann:secret\n")
                let server = try await TreeServer(
                    program: stage.program, scratch: stage.scratch, options: ["--sasl-users", users, "--require-sasl"])
                stage.onEnd { await server.stop() }
                stage.report { server.process?.report() ?? "" }
                let process = try #require(server.process)
                /// Whether a client gets an answer.
                @Sendable func comesIn(_ user: String) async throws -> Bool {
                    var configuration = try ZooKeeperClient.Configuration(connectString: server.connectString)
                    configuration.sasl = SASLCredentials(user: user, password: "secret")
                    let client = ZooKeeperClient(configuration: configuration, logger: Logger(label: "test"))
                    return await withTaskGroup(of: Void.self) { group in
                        group.addTask { try? await client.run() }
                        defer { group.cancelAll() }
                        do {
                            return try await client.exists("/") != nil
                        } catch {
                            return false
                        }
                    }
                }
                #expect(try await comesIn("ann"))
                #expect(try await !comesIn("bob"))
                try rewrite("bob:secret\ncid\n")
                process.signal(SIGHUP)
                try await eventually("the refusal is logged", seen: { process.report() }) {
                    process.errors.contains("\(users):2: expected user:password")
                }
                #expect(try await comesIn("ann"))
                #expect(try await !comesIn("bob"))
                try rewrite("bob:secret\n")
                process.signal(SIGHUP)
                try await eventually("bob comes in", seen: { process.report() }) { try await comesIn("bob") }
                #expect(try await !comesIn("ann"))
                #expect(process.errors.contains("SASL users read again"))
            }
        }

        @Test("mistakes are named, with what to do", .timeLimit(.minutes(5)))
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
