import Foundation
import TestFixtures
import Testing

extension EndToEnd {
    /// A tree that lets nobody in who has no certificate of the plant's authority and no password.
    @Suite("Secured tree")
    struct SecuredTreeTests {
        @Test("a gateway works on it; a stranger is told why not", .timeLimit(.minutes(2)))
        func gatewayOnASecuredTree() async throws {
            try await Stage.play("secured-tree") { stage in
                let certificates = try await TestCertificates()
                let users = try stage.scratch.write("plant:correct horse\n", to: "sasl-users")
                try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: users)
                let password = try stage.scratch.write("correct horse\n", to: "tree-password")
                let securePort = try FreePort.tcp()
                let server = try await TreeServer(
                    program: stage.program, scratch: stage.scratch,
                    options: [
                        "--tls-listen", "127.0.0.1:\(securePort)", "--tls-certificate", certificates.server,
                        "--tls-key",
                        certificates.serverKey, "--tls-trust", certificates.authority, "--sasl-users", users,
                        "--require-sasl",
                    ])
                stage.onEnd { await server.stop() }
                stage.report { server.process?.report() ?? "" }

                let broker = try await stage.broker()
                let tls =
                    "{ ca: \(certificates.authority), certificate: \(certificates.client), key: \(certificates.clientKey) }"
                func configuration(_ access: String) -> PlantConfiguration {
                    PlantConfiguration(
                        broker: "mqtt://127.0.0.1:\(broker.port)",
                        tree: .servers("127.0.0.1:\(securePort)" + access.replacing("\n", with: "\n  ")))
                }
                let known = configuration("\ntls: \(tls)\nusername: plant\npasswordFile: \(password)")
                let gateway = try stage.gateway("secured", known)

                try await eventually("the gateway is the alarm processor", within: .seconds(30)) {
                    try await stage.call(["status"], of: gateway).output.contains("processed by secured")
                }

                // For a look at the whole tree, a file that says nothing but where it is and how to come in will do.
                let treeOnly = try stage.scratch.write(
                    """
                    tree:
                      ensemble: 127.0.0.1:\(securePort)
                      tls: \(tls)
                      username: plant
                      passwordFile: \(password)
                    """, to: "tree-only.yaml")
                let root = try await stage.program.call(
                    ["tree", "ls", "/", "--root", "--config", treeOnly], in: stage.scratch)
                #expect(root.status == 0 && root.output.contains("linekeeper"), "\(root)")
                let part = try await stage.program.call(["tree", "ls", "/", "--config", treeOnly], in: stage.scratch)
                #expect(part.status != 0 && part.errors.contains("plant"), "\(part)")
                let plain = try await stage.program.call(
                    ["tree", "ls", "/", "--root", "--server", "127.0.0.1:\(securePort)"], in: stage.scratch)
                #expect(plain.status == 3 && plain.errors.contains("tree.tls"), "\(plain)")

                // Without the password, without the certificate, and with another authority: refused, and told why.
                let wrong = try stage.scratch.write("wrong horse\n", to: "wrong-password")
                for (access, reason) in [
                    (
                        "\ntls: \(tls)\nusername: plant\npasswordFile: \(wrong)",
                        "(SASL); look at tree.username and tree.passwordFile"
                    ),
                    (
                        "\ntls: { ca: \(certificates.authority) }\nusername: plant\npasswordFile: \(password)",
                        "certificate"
                    ),
                    (
                        "\ntls: { ca: \(certificates.client) }\nusername: plant\npasswordFile: \(password)",
                        "certificate (for localhost, 127.0.0.1) is not from an authority"
                    ),
                ] {
                    let file = try configuration(access).write(gateway: "stranger", to: stage.scratch)
                    let outcome = try await stage.program.call(
                        ["tree", "ls", "/", "--config", file], in: stage.scratch)
                    #expect(outcome.status == 3, "\(access): \(outcome)")
                    #expect(outcome.errors.contains(reason), "\(access): \(outcome)")
                }

                // A gateway that is refused says so, stays, and takes the password once it has been mended.
                let late = try stage.gateway(
                    "late", configuration("\ntls: \(tls)\nusername: plant\npasswordFile: \(wrong)"))
                try await eventually("it says why", within: .seconds(30)) {
                    late.process?.output.contains("look at tree.username and tree.passwordFile") == true
                }
                _ = try stage.scratch.write("correct horse\n", to: "wrong-password")
                try await eventually("it comes in", within: .seconds(30)) {
                    try await stage.call(["status"], of: gateway).output.contains("late")
                }
                #expect(late.isRunning)
            }
        }
    }
}
