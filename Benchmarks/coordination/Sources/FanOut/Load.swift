import CEpoll
import Foundation

/// Opens the sessions, sets the watches, updates the node, and reads the clock when the last event has arrived.
struct Load {
    var sessions = 10_000
    var rounds = 15

    private static let connectRequest =
        Bytes.of(Int32(45), Int32(0), Int64(0), Int32(40_000), Int64(0), Int32(16)) + [UInt8](repeating: 0, count: 17)

    func run(_ address: String, _ port: UInt16, _ pid: Int32?) throws -> Outcome {
        let node = "/fan-out-\(DispatchTime.now().uptimeNanoseconds)"
        let watch = Bytes.frame(Bytes.of(Int32(1), Int32(4)) + Bytes.text(node) + [1])
        let value = String(repeating: "x", count: 100)
        let update = Bytes.frame(
            Bytes.of(Int32(2), Int32(5)) + Bytes.text(node) + Bytes.text(value) + Bytes.of(Int32(-1)))
        let ping = Bytes.frame(Bytes.of(Int32(-2), Int32(11)))
        let create = Bytes.frame(
            Bytes.of(Int32(1), Int32(1)) + Bytes.text(node) + Bytes.text("") + Bytes.of(Int32(1), Int32(31))
                + Bytes.text("world") + Bytes.text("anyone") + Bytes.of(Int32(0)))

        let writer = try opened(address, port)
        defer { close(writer) }
        _ = try Descriptors.readFrame(writer)
        try Descriptors.write(writer, create)
        _ = try Descriptors.readFrame(writer)

        var outcome = Outcome()
        outcome.memoryBefore = ProcessFigures.residentMegabytes(pid)
        var watchers: [Int32] = []
        defer { for watcher in watchers { close(watcher) } }
        while watchers.count < sessions {
            let first = watchers.count
            for _ in 0..<min(500, sessions - first) { watchers.append(try opened(address, port)) }
            for watcher in watchers[first...] { _ = try Descriptors.readFrame(watcher) }
        }
        let events = EventCount(watchers)
        defer { events.end() }
        for _ in 0..<rounds {
            for watcher in watchers { try Descriptors.write(watcher, watch) }
            for watcher in watchers { _ = try Descriptors.readFrame(watcher) }
            try Descriptors.write(writer, ping)
            _ = try Descriptors.readFrame(writer)
            // What is still due for those requests (acknowledgements, buffers given back) is no part of the update.
            usleep(300_000)
            let workBefore = ProcessFigures.processorMilliseconds(pid)
            let ownBefore = ProcessFigures.ownProcessorMilliseconds()
            let begin = DispatchTime.now().uptimeNanoseconds
            try Descriptors.write(writer, update)
            try events.awaitAll()
            outcome.times.append(Double(DispatchTime.now().uptimeNanoseconds - begin) / 1e6)
            outcome.own.append(ProcessFigures.ownProcessorMilliseconds() - ownBefore)
            _ = try Descriptors.readFrame(writer)
            outcome.work.append(ProcessFigures.processorMilliseconds(pid) - workBefore)
        }
        outcome.memoryAfter = ProcessFigures.residentMegabytes(pid)
        return outcome
    }

    private func opened(_ address: String, _ port: UInt16) throws -> Int32 {
        let descriptor = try Descriptors.connected(address, port)
        try Descriptors.write(descriptor, Self.connectRequest)
        return descriptor
    }
}

/// Waits for one event on each of many sockets, with as little work as can be: it takes processor time from the server.
final class EventCount {
    private let poll = epoll_create1(0)
    private let count: Int
    private var ready = [epoll_event](repeating: epoll_event(), count: 4096)
    private var buffer = [UInt8](repeating: 0, count: 4096)

    init(_ watchers: [Int32]) {
        count = watchers.count
        for watcher in watchers {
            var event = epoll_event(events: EPOLLIN.rawValue | EPOLLET.rawValue, data: epoll_data_t(fd: watcher))
            epoll_ctl(poll, EPOLL_CTL_ADD, watcher, &event)
        }
        // Forgets the answers to the connects.
        while epoll_wait(poll, &ready, 4096, 0) > 0 {}
    }

    func end() { close(poll) }

    func awaitAll() throws {
        var left = count
        while left > 0 {
            let found = epoll_wait(poll, &ready, 4096, 10_000)
            guard found > 0 else { throw Failure("\(left) sessions heard nothing within 10 s") }
            // To be woken for each event would cost those who send them more than it costs to send them. Real clients, which
            // are elsewhere, would not do that to them; waiting for company lengthens what is measured by this at most.
            defer { if left > 0 { usleep(1000) } }
            for index in 0..<Int(found) {
                let length = recv(ready[index].data.fd, &buffer, buffer.count, Int32(MSG_DONTWAIT))
                // Told of an answer that was read before: edges are told late.
                if length < 0, errno == EAGAIN { continue }
                // One whole frame whose xid is that of events.
                guard length > 20, Bytes.integer(buffer, at: 0) == length - 4, Bytes.integer(buffer, at: 4) == -1 else {
                    throw Failure("a session received something else than one event: \(length) bytes")
                }
                left -= 1
            }
        }
    }
}

struct Outcome: CustomStringConvertible {
    var times: [Double] = []
    var work: [Double] = []
    var own: [Double] = []
    var memoryBefore = 0.0
    var memoryAfter = 0.0

    var median: Double { Self.median(times) }

    private static func median(_ values: [Double]) -> Double { values.isEmpty ? 0 : values.sorted()[values.count / 2] }

    var description: String {
        func shown(_ value: Double) -> String { String(format: "%.1f", value) }
        var text = "median \(shown(median)) ms, best \(shown(times.min() ?? 0)), worst \(shown(times.max() ?? 0))"
        text += "; processor time of one update: receiver \(shown(Self.median(own))) ms"
        if memoryAfter > 0 {
            text += ", server \(shown(Self.median(work))) ms"
            text += "; server memory \(shown(memoryBefore)) MB before, \(shown(memoryAfter)) MB with all"
        }
        return text
    }
}
