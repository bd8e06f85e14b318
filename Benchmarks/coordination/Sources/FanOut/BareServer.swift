import CEpoll
import Foundation

/// What the machine can do: a server without a tree, sessions or a disk. It answers the few requests of ``Load`` with bytes
/// made beforehand, and an update with nothing but one `send` to each socket, spread over threads.
struct BareServer {
    let threads: Int
    private let poll = epoll_create1(0)

    init(threads: Int) { self.threads = max(1, threads) }

    /// Serves until the process ends; says its port on standard output.
    func run() throws -> Never {
        try Descriptors.allow(20_000)
        let listener = try listening()
        watch(listener)
        var greeted: Set<Int32> = []
        var watchers: [Int32] = []
        var ready = [epoll_event](repeating: epoll_event(), count: 1024)
        while true {
            for index in 0..<max(0, Int(epoll_wait(poll, &ready, 1024, -1))) {
                let descriptor = ready[index].data.fd
                if descriptor == listener {
                    let accepted = accept(listener, nil, nil)
                    Descriptors.sendAtOnce(accepted)
                    watch(accepted)
                    continue
                }
                guard let request = try? Descriptors.readFrame(descriptor) else {
                    greeted.remove(descriptor)
                    watchers.removeAll { $0 == descriptor }
                    close(descriptor)
                    continue
                }
                guard greeted.contains(descriptor) else {
                    greeted.insert(descriptor)
                    try Descriptors.write(descriptor, Self.connectResponse)
                    continue
                }
                switch Bytes.integer(request, at: 4) {
                case 4:
                    watchers.append(descriptor)
                    try Descriptors.write(descriptor, Self.reply(1, 168))
                case 5:
                    // The event carries the path of the request.
                    let path = request[8..<12 + Bytes.integer(request, at: 8)]
                    tell(watchers, Bytes.frame(Bytes.of(Int32(-1), Int64(-1), Int32(0), Int32(3), Int32(3)) + path))
                    watchers = []
                    try Descriptors.write(descriptor, Self.reply(2, 68))
                default: try Descriptors.write(descriptor, Self.reply(0, 0))
                }
            }
        }
    }

    private static let connectResponse =
        Bytes.of(Int32(37), Int32(0), Int32(40_000), Int64(1), Int32(16)) + [UInt8](repeating: 0, count: 17)

    private static func reply(_ xid: Int32, _ length: Int) -> [UInt8] {
        Bytes.frame(Bytes.of(xid, Int64(1), Int32(0)) + [UInt8](repeating: 0, count: length))
    }

    private func tell(_ watchers: [Int32], _ event: [UInt8]) {
        let threads = threads
        DispatchQueue.concurrentPerform(iterations: threads) { thread in
            for index in stride(from: thread, to: watchers.count, by: threads) {
                try? Descriptors.write(watchers[index], event)
            }
        }
    }

    private func listening() throws -> Int32 {
        let listener = try Descriptors.stream()
        var address = try Descriptors.socketAddress("127.0.0.1", 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 1024) == 0
                    && getsockname(listener, $0, &length) == 0
            }
        }
        guard status else { throw Failure("cannot listen: errno \(errno)") }
        FileHandle.standardOutput.write(Data("\(UInt16(bigEndian: address.sin_port))\n".utf8))
        return listener
    }

    private func watch(_ descriptor: Int32) {
        var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(fd: descriptor))
        epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event)
    }
}
