import CMosquitto
import Glibc

/// An eventfd: what any thread writes to, so that the connection's thread leaves its `poll`.
final class WakeDescriptor: Sendable {
    let descriptor: Int32

    init() {
        descriptor = cmosquitto_eventfd()
        // Only a process without descriptors or memory gets here; it could not open a connection either.
        precondition(descriptor >= 0, "eventfd failed with \(errno)")
    }

    deinit { close(descriptor) }

    func signal() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
    }

    func drain() {
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
    }
}
