import CMosquitto
import Glibc

/// An eventfd: what any thread writes to, so that the connection's thread leaves its `poll`.
///
/// A process that may not open any more has none; ``failure`` says so, and ``MQTTClient/run()`` throws it.
final class WakeDescriptor: Sendable {
    let descriptor: Int32

    let failure: MQTTError?

    init() {
        descriptor = cmosquitto_eventfd()
        let code = errno
        failure =
            descriptor >= 0
            ? nil : .library(code: code, text: "no descriptor for a connection: \(String(cString: strerror(code)))")
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func signal() {
        guard descriptor >= 0 else { return }
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
    }

    func drain() {
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
    }
}
