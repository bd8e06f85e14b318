import Foundation

/// A socket with a ZooKeeper session and nothing between: requests are written many at a time, answers are only counted.
/// It must cost far less than any server, or it would measure itself.
final class RawConnection {
    private let descriptor: Int32
    private var output = UnsafeMutableRawPointer.allocate(byteCount: RawConnection.outputSize, alignment: 16)
    private var outputEnd = 0
    private var input = UnsafeMutableRawPointer.allocate(byteCount: RawConnection.inputSize, alignment: 16)
    private var inputEnd = 0
    private var frameStart = 0
    private static let outputSize = 4 << 20
    private static let inputSize = 1 << 20

    /// Whether there is room for a few more large requests.
    var hasRoom: Bool { outputEnd < Self.outputSize / 2 }
    var isEmpty: Bool { outputEnd == 0 }

    /// Connects and opens a session of 30 s.
    init(host: String, port: Int) throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else {
            throw LoadError(description: "\(host) is not an IPv4 address", isUsage: true)
        }
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw LoadError(description: "cannot connect to \(host):\(port)") }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        frame { frame in
            frame.int(0)
            frame.long(0)
            frame.int(30_000)
            frame.long(0)
            frame.bytes([UInt8](repeating: 0, count: 16))
            frame.byte(0)
        }
        try flush()
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        var granted = false
        let deadline = steadyNanoseconds() + 10_000_000_000
        while !granted {
            guard steadyNanoseconds() < deadline, try readMore(waitMilliseconds: 1000) || inputEnd == 0 else {
                throw LoadError(description: "no session was granted")
            }
            granted = try takeFrame { $0 >= 20 && Self.int(input + frameStart + 8) > 0 } ?? false
        }
    }

    deinit {
        close(descriptor)
        output.deallocate()
        input.deallocate()
    }

    // MARK: Requests

    /// Appends a frame; it leaves with the next ``flush()``.
    @inline(__always)
    func frame(_ body: (borrowing RawConnection) -> Void) {
        let start = outputEnd
        outputEnd += 4
        body(self)
        (output + start).storeBytes(of: Int32(outputEnd - start - 4).bigEndian, as: Int32.self)
    }

    @inline(__always)
    func byte(_ value: UInt8) {
        (output + outputEnd).storeBytes(of: value, as: UInt8.self)
        outputEnd += 1
    }

    @inline(__always)
    func int(_ value: Int32) {
        (output + outputEnd).storeBytes(of: value.bigEndian, as: Int32.self)
        outputEnd += 4
    }

    @inline(__always)
    func long(_ value: Int64) {
        (output + outputEnd).storeBytes(of: value.bigEndian, as: Int64.self)
        outputEnd += 8
    }

    @inline(__always)
    func bytes(_ value: [UInt8]) {
        int(Int32(truncatingIfNeeded: value.count))
        value.withUnsafeBytes { if let start = $0.baseAddress { memcpy(output + outputEnd, start, value.count) } }
        outputEnd += value.count
    }

    /// Writes everything, waiting where the socket is full; `answered` is called for what arrives meanwhile.
    func flush(_ answered: (_ xid: Int32, _ error: Int32) -> Void = { _, _ in }) throws {
        var start = 0
        while start < outputEnd {
            let count = write(descriptor, output + start, outputEnd - start)
            if count > 0 {
                start += count
            } else if errno == EAGAIN {
                try receive(waitMilliseconds: 1, answered)
            } else {
                throw LoadError(description: "the server has closed the connection")
            }
        }
        outputEnd = 0
    }

    // MARK: Answers

    /// Takes what has arrived, waiting for it at most so long.
    func receive(waitMilliseconds: Int32, _ answered: (_ xid: Int32, _ error: Int32) -> Void) throws {
        guard try readMore(waitMilliseconds: waitMilliseconds) else { return }
        while try takeFrame({ length in
            guard length >= 16 else { return }
            answered(Self.int(input + frameStart + 4), Self.int(input + frameStart + 16))
        }) != nil {}
    }

    /// Takes what has arrived, with its content.
    func takeAnswers() throws -> [RawAnswer] {
        guard try readMore(waitMilliseconds: 0) else { return [] }
        var answers: [RawAnswer] = []
        while let answer = try takeFrame({ length -> RawAnswer? in
            guard length >= 16 else { return nil }
            let body = UnsafeRawBufferPointer(start: input + frameStart + 20, count: length - 16)
            return RawAnswer(
                xid: Self.int(input + frameStart + 4), error: Self.int(input + frameStart + 16), body: Array(body))
        }) {
            if let answer { answers.append(answer) }
        }
        return answers
    }

    /// The connections on which something has arrived, by index.
    static func readable(_ connections: [RawConnection], waitMilliseconds: Int32) throws -> [Int] {
        var waiting = connections.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        guard poll(&waiting, nfds_t(waiting.count), waitMilliseconds) > 0 else {
            throw LoadError(description: "answers are missing")
        }
        return waiting.indices.filter { waiting[$0].revents != 0 }
    }

    private func readMore(waitMilliseconds: Int32) throws -> Bool {
        if frameStart > 0 {
            memmove(input, input + frameStart, inputEnd - frameStart)
            inputEnd -= frameStart
            frameStart = 0
        }
        if waitMilliseconds > 0 {
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&waiting, 1, waitMilliseconds) > 0 else { return false }
        }
        let count = read(descriptor, input + inputEnd, Self.inputSize - inputEnd)
        guard count != 0 else { throw LoadError(description: "the server has closed the connection") }
        guard count > 0 else { return false }
        inputEnd += count
        return true
    }

    /// Calls `body` with the length of the next frame, which begins at `frameStart`; nil when it has not arrived whole.
    @inline(__always)
    private func takeFrame<Result>(_ body: (Int) -> Result) throws -> Result? {
        guard inputEnd - frameStart >= 4 else { return nil }
        let length = Int(Self.int(input + frameStart))
        guard length >= 0, length <= Self.inputSize - 4 else { throw LoadError(description: "a frame of \(length)") }
        guard inputEnd - frameStart >= 4 + length else { return nil }
        defer { frameStart += 4 + length }
        return body(length)
    }

    @inline(__always)
    private static func int(_ pointer: UnsafeMutableRawPointer) -> Int32 {
        Int32(bigEndian: pointer.loadUnaligned(as: Int32.self))
    }
}
