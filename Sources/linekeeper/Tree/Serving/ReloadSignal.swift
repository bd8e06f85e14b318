import EmbeddedZooKeeper
import Logging
import ServiceLifecycle
import UnixSignals

/// Lets a server read its certificates and its SASL users again on SIGHUP, as `systemctl reload` and many renewal hooks
/// send it.
struct ReloadSignal: Service {
    let server: EmbeddedServer
    /// The file of users, if there is one.
    let saslUsers: String?
    let logger: Logger

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            server.reloadCertificates()
            if let saslUsers { readUsers(saslUsers) }
        }
    }

    private func readUsers(_ file: String) {
        do {
            let users = try SASLUsers(file: file)
            server.replaceSASLUsers(users)
            logger.notice("SASL users read again", metadata: ["users": "\(users.passwords.count)"])
        } catch {
            logger.warning(
                "the changed SASL users cannot be used; the former ones stay in use", metadata: ["error": "\(error)"])
        }
    }
}
