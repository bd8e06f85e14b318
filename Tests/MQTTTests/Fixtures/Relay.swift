import Glibc
import MQTT
import Synchronization
import TestFixtures

/// A relay between a client and its broker that a test can cut, or let go silent.
final class Relay: Sendable {
    private let listener: Listener

    var port: Int { listener.port }
    var url: String { "mqtt://127.0.0.1:\(port)" }

    init(to port: Int) throws {
        let silence = SilenceSwitch()
        self.silence = silence
        listener = try Listener { client in
            let broker = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(broker) }
            var address = loopbackAddress(port)
            let connected = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(broker, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard connected == 0 else { return }
            var descriptors = [
                pollfd(fd: client, events: Int16(POLLIN), revents: 0),
                pollfd(fd: broker, events: Int16(POLLIN), revents: 0),
            ]
            while true {
                _ = poll(&descriptors, 2, 50)
                if silence.isOn.withLock({ $0 }) {
                    usleep(5_000)
                    // A cut ends the silence: the client's side is shut then.
                    if descriptors[0].revents & Int16(POLLHUP | POLLERR) != 0 { return }
                    continue
                }
                for (from, to) in [(0, broker), (1, client)] where descriptors[from].revents != 0 {
                    guard let bytes = receiveBytes(descriptors[from].fd), sendBytes(to, bytes) else { return }
                }
            }
        }
    }

    private let silence: SilenceSwitch

    private final class SilenceSwitch: Sendable {
        let isOn = Mutex(false)
    }

    /// Cuts every connection: the broker sees its client vanish.
    func cut() { listener.cut() }

    /// Nothing passes any more, and nobody is told.
    func goSilent() { silence.isOn.withLock { $0 = true } }

    func stop() { listener.stop() }
}
