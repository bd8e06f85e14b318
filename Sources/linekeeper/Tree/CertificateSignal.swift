import EmbeddedZooKeeper
import ServiceLifecycle
import UnixSignals

/// Lets a server read its certificates again on SIGHUP, as `systemctl reload` and many renewal hooks send it.
struct CertificateSignal: Service {
    let server: EmbeddedServer

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            server.reloadCertificates()
        }
    }
}
