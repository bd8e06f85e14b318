import Foundation

/// Requests over a bare socket, a window of them on their way at a time.
struct RawLoad {
    private let settings: LoadSettings
    private let connection: RawConnection
    private let value: [UInt8]
    private let paths: [[UInt8]]
    private let parent: [UInt8]

    init(_ settings: LoadSettings) throws {
        self.settings = settings
        connection = try RawConnection(host: settings.host, port: settings.port)
        value = [UInt8](repeating: UInt8(ascii: "x"), count: settings.size)
        parent = Array(settings.path.utf8)
        paths = (0..<max(1, settings.nodes)).map { Array("\(settings.path)/n\($0)".utf8) }
    }

    func run() throws -> LoadResult {
        try makeNodes()
        let requests = settings.requests
        var sent: [Int64] = []
        var latencies: [Int64] = []
        var ends: [Int64] = []
        sent.reserveCapacity(requests)
        latencies.reserveCapacity(requests)
        if settings.trace != nil { ends.reserveCapacity(requests) }
        var errors = 0
        var now = steadyNanoseconds()
        let answered: (Int32, Int32) -> Void = { xid, error in
            // Pings are answered under a number of their own.
            guard xid > 0 || settings.load == .ping else { return }
            if error != 0 { errors += 1 }
            latencies.append(now - sent[latencies.count])
            if settings.trace != nil { ends.append(now) }
        }
        let processorBegin = processorSeconds()
        let begin = now
        let end = begin + Int64(settings.seconds * 1e9)
        while latencies.count < sent.count || (sent.count < requests && now < end) {
            now = steadyNanoseconds()
            guard now < end + 15_000_000_000 else { throw LoadError(description: "answers are missing") }
            if now < end {
                var written = 0
                while sent.count < requests, sent.count - latencies.count < settings.window, written < 100,
                    connection.hasRoom
                {
                    write(sent.count)
                    sent.append(now)
                    written += 1
                }
            }
            if !connection.isEmpty { try connection.flush(answered) }
            let mustWait = sent.count == requests || sent.count - latencies.count >= settings.window
            // The moment of an answer is that of its arrival, not of the round in which its request was made.
            if mustWait {
                try connection.receive(waitMilliseconds: 1000) {
                    now = steadyNanoseconds(); answered($0, $1)
                }
            } else {
                try connection.receive(waitMilliseconds: 0, answered)
            }
        }
        let seconds = Double(steadyNanoseconds() - begin) / 1e9
        let processor = processorSeconds() - processorBegin
        if let trace = settings.trace { try write(ends, latencies, to: trace) }
        return LoadResult(
            name: "raw-" + settings.load.rawValue, operations: latencies.count * settings.operationsPerRequest,
            seconds: seconds, latencies: latencies, errors: errors, clientSeconds: processor)
    }

    private func makeNodes() throws {
        var answers = 0
        for start in stride(from: -1, to: paths.count, by: 200) {
            for index in start..<min(start + 200, paths.count) {
                create(index < 0 ? parent : paths[index], flags: 0, xid: 1)
            }
            try connection.flush { _, _ in answers += 1 }
            let expected = min(start + 200, paths.count) + 1
            while answers < expected { try connection.receive(waitMilliseconds: 10_000) { _, _ in answers += 1 } }
        }
    }

    private func create(_ path: [UInt8], flags: Int32, xid: Int32) {
        connection.frame { frame in
            frame.int(xid)
            frame.int(1)
            frame.bytes(path)
            frame.bytes(value)
            frame.int(1)
            frame.int(31)
            frame.bytes(Self.world)
            frame.bytes(Self.anyone)
            frame.int(flags)
        }
    }

    private static let world = Array("world".utf8)
    private static let anyone = Array("anyone".utf8)

    @inline(__always)
    private func write(_ index: Int) {
        let xid = Int32(truncatingIfNeeded: index % 1_000_000_000 + 2)
        let path = paths[index % paths.count]
        switch settings.load {
        case .create: create(paths[index % paths.count] + [UInt8(ascii: "/")], flags: 3, xid: xid)
        case .set: connection.frame { $0.set(path, value, xid) }
        case .get:
            connection.frame { frame in
                frame.int(xid)
                frame.int(4)
                frame.bytes(path)
                frame.byte(0)
            }
        case .ping:
            connection.frame { frame in
                frame.int(-2)
                frame.int(11)
            }
        case .multi:
            connection.frame { frame in
                frame.int(xid)
                frame.int(14)
                for offset in 0..<settings.batch {
                    frame.int(5)
                    frame.byte(0)
                    frame.int(-1)
                    frame.bytes(paths[(index * settings.batch + offset) % paths.count])
                    frame.bytes(value)
                    frame.int(-1)
                }
                frame.int(-1)
                frame.byte(1)
                frame.int(-1)
            }
        }
    }

    private func write(_ ends: [Int64], _ latencies: [Int64], to path: String) throws {
        let lines = zip(ends, latencies).map { "\($0 / 1000) \($1 / 1000)" }
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
    }
}

extension RawConnection {
    fileprivate func set(_ path: [UInt8], _ value: [UInt8], _ xid: Int32) {
        int(xid)
        int(5)
        bytes(path)
        bytes(value)
        int(-1)
    }
}
