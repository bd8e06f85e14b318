import Glibc
import Logging
import NIOSSL
import Synchronization

/// The certificates in use: read at the start, and again when one of their files has changed. What cannot be used is
/// refused with a warning, and those in use stay. Connections that are there keep what they began with.
final class CertificateKeeper: Sendable {
    private struct State {
        var context: NIOSSLContext
        /// Empty: those that were read last could not be used.
        var stamps: [FileStamp?]
        var refusal: String?
    }

    private let tls: EmbeddedServer.TLS
    private let logger: Logger
    private let state: Mutex<State>
    /// Held while files are read.
    private let reading = Mutex(())

    /// - Throws: ``EmbeddedServerError`` that says which file and what to do.
    init(_ tls: EmbeddedServer.TLS, logger: Logger) throws(EmbeddedServerError) {
        self.tls = tls
        self.logger = logger
        // Before they are read: a change meanwhile is found the next time.
        let stamps = Self.stamps(tls)
        state = Mutex(State(context: try tls.makeContext(), stamps: stamps))
    }

    /// For a handshake that begins now. Never waits.
    var context: NIOSSLContext { state.withLock { $0.context } }

    /// Reads the files again. Waits for the disk.
    ///
    /// - Parameter unchanged: Whether to do so although none of them seems to have changed.
    func reload(unchanged: Bool) {
        if unchanged {
            reading.withLock { _ in read(unchanged: true) }
        } else {
            // Should the disk be stuck, one waits for it and not one more each time.
            reading.withLockIfAvailable { _ in read(unchanged: false) }
        }
    }

    private func read(unchanged: Bool) {
        let stamps = Self.stamps(tls)
        guard unchanged || state.withLock({ $0.stamps != stamps }) else { return }
        do {
            let context = try tls.makeContext()
            state.withLock { $0 = State(context: context, stamps: stamps) }
            logger.notice("certificates read again", metadata: ["certificate": "\(tls.certificate)"])
        } catch {
            // Perhaps only the first of the files is there yet, or one could not be read just now: it is tried again, and
            // said again when there is something else to say.
            let refusal = "\(error)"
            let isNew = state.withLock { state in
                defer {
                    state.stamps = []
                    state.refusal = refusal
                }
                return state.refusal != refusal
            }
            guard isNew || unchanged else { return }
            logger.warning(
                "the changed certificates cannot be used; the former ones stay in use",
                metadata: ["error": "\(refusal)"])
        }
    }

    private static func stamps(_ tls: EmbeddedServer.TLS) -> [FileStamp?] {
        [tls.certificate, tls.key, tls.trust ?? tls.key].map(FileStamp.init)
    }
}

/// What tells a file from the one that had its name before.
private struct FileStamp: Hashable {
    private let numbers: [Int64]

    /// nil when there is none.
    init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        let times = [status.st_mtim, status.st_ctim].flatMap { [Int64($0.tv_sec), Int64($0.tv_nsec)] }
        numbers = [Int64(truncatingIfNeeded: status.st_ino), Int64(status.st_size)] + times
    }
}
