import CMosquitto
import Glibc

/// The thread of one client's connection.
///
/// Never the cooperative pool: it blocks in `poll`, and libmosquitto may block in a name look-up.
struct ConnectionThread {
    private final class Start: Sendable {
        let core: ClientCore
        let ended: @Sendable () -> Void

        init(core: ClientCore, ended: @escaping @Sendable () -> Void) {
            self.core = core
            self.ended = ended
        }
    }

    private let thread: pthread_t

    /// Starts the thread; it calls `ended` as the last thing that it does.
    init(core: ClientCore, ended: @escaping @Sendable () -> Void) throws {
        var thread = pthread_t()
        let start = Unmanaged.passRetained(Start(core: core, ended: ended))
        let code = pthread_create(
            &thread, nil,
            { object in
                guard let object else { return nil }
                let start = Unmanaged<Start>.fromOpaque(object).takeRetainedValue()
                cmosquitto_name_thread("mqtt")
                ConnectionLoop(core: start.core).run()
                start.ended()
                return nil
            }, start.toOpaque())
        guard code == 0 else {
            start.release()
            throw MQTTError.library(code: code, text: "no thread: \(String(cString: strerror(code)))")
        }
        self.thread = thread
    }

    /// Waits for the thread, which has called `ended`: it is at its very end.
    func join() { pthread_join(thread, nil) }
}
