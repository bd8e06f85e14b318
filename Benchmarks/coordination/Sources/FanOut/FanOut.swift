import Foundation

/// How long until an update has reached every one of many sessions that watch one node.
///
/// Beside the server it can measure how fast this machine is at all: a server that does nothing but write the same bytes
/// to as many sockets, with as many threads as one likes.
///
///     linekeeper tree serve --data /tmp/tree --listen 127.0.0.1:2181 --max-client-connections 0 &
///     FanOut 127.0.0.1:2181 --pid $! --bare 1 --bare 2
@main
struct FanOut {
    static let usage = """
        usage: FanOut [HOST:PORT] [options]
          --sessions N    sessions, each with one watch (10000)
          --rounds N      updates (15)
          --pid PID       the server's process, to tell its memory and processor time
          --bare THREADS  measure also a bare server with so many writing threads; may be given several times
          --limit-ms X    end with 1 when the median of HOST:PORT is above
        """

    static func main() {
        do {
            if let limit = try measured(Array(CommandLine.arguments.dropFirst())) { exit(limit ? 0 : 1) }
        } catch {
            FileHandle.standardError.write(Data("FanOut: \(error)\n".utf8))
            exit(1)
        }
    }

    /// - Returns: Whether the limit, if there is one, was kept.
    private static func measured(_ arguments: [String]) throws -> Bool? {
        var server: String?
        var load = Load()
        var pid: Int32?
        var bare: [Int] = []
        var limit = Double.infinity
        var left = arguments[...]
        func value<Value>(_ parse: (String) -> Value?) throws -> Value {
            guard let text = left.popFirst(), let value = parse(text) else { throw Failure(usage) }
            return value
        }
        while let argument = left.popFirst() {
            switch argument {
            case "--sessions": load.sessions = try value { Int($0) }
            case "--rounds": load.rounds = try value { Int($0) }
            case "--pid": pid = try value { Int32($0) }
            case "--bare": bare.append(try value { Int($0) })
            case "--limit-ms": limit = try value { Double($0) }
            case "--serve-bare": try BareServer(threads: try value { Int($0) }).run()
            case "-h", "--help":
                print(usage)
                return true
            default:
                guard !argument.hasPrefix("-"), server == nil else { throw Failure(usage) }
                server = argument
            }
        }
        guard server != nil || !bare.isEmpty, load.sessions > 0, load.rounds > 0 else { throw Failure(usage) }
        try Descriptors.allow(load.sessions + 100)
        var isWithin = true
        if let server {
            let parts = server.split(separator: ":")
            guard parts.count == 2, let port = UInt16(parts[1]) else { throw Failure("\(server) is not ADDRESS:PORT") }
            let outcome = try load.run(String(parts[0]), port, pid)
            print("\(server): \(outcome)")
            isWithin = outcome.median <= limit
        }
        for threads in bare {
            let child = Process()
            child.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            child.arguments = ["--serve-bare", "\(threads)"]
            let output = Pipe()
            child.standardOutput = output
            try child.run()
            defer {
                child.terminate()
                child.waitUntilExit()
            }
            let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
            guard let port = UInt16(line.trimmingCharacters(in: .whitespacesAndNewlines)) else {
                throw Failure("the bare server did not say its port: \(line)")
            }
            print("bare, \(threads) writing: \(try load.run("127.0.0.1", port, child.processIdentifier))")
        }
        return isWithin
    }
}

struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
