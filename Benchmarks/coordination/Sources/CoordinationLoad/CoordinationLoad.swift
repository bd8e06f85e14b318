import Foundation

/// Loads a server that speaks ZooKeeper's protocol, in one way a run, and prints one line of JSON.
///
/// Every load is bounded in count and in time. See ``usage``.
@main
struct CoordinationLoad {
    static let usage = """
        usage: CoordinationLoad raw    HOST:PORT LOAD COUNT [OPTION …]    over a bare socket
               CoordinationLoad client HOST:PORT LOAD COUNT [OPTION …]    with ZooKeeperClient
               CoordinationLoad locks  HOST:PORT [OPTION …]               with DistributedLock
               CoordinationLoad bare-locks HOST:PORT [OPTION …]           the least that contenders must do, on one thread
        LOAD is set, get, create, multi, or ping (raw only). COUNT counts single operations, also those inside a multi.
          --window N    requests on their way at a time (1000; 1 is one after another)
          --nodes N     nodes that the load goes round (100)
          --size N      bytes of data of each (100)
          --batch N     operations in one multi (100)
          --seconds N   how long at most, or how long for locks (10)
          --warm-up N   seconds that are not counted, for locks (1)
          --way WAY     with-lock (a closure), acquire (and release), or release-and-wait, for locks (with-lock)
          --sessions N  contenders for one lock, each with a session of its own (1)
          --threads N   for bare-locks: 2 (the holder is on another thread than what reads) or 1
          --watches N   of each contender, for bare-locks: 3 (its own, the one before, the next), or 1 (unsafe)
          --path P      below which the nodes lie (/load); kept after the run
          --trace FILE  raw only: a line for each answer, "MICROSECONDS-SINCE-BOOT LATENCY"
        """

    static func main() async {
        do {
            let settings = try LoadSettings(Array(CommandLine.arguments.dropFirst()))
            let result: LoadResult =
                switch settings.kind {
                case .raw: try RawLoad(settings).run()
                case .client: try await ClientLoad(settings).run()
                case .locks: try await LockLoad(settings).run()
                case .bareLocks:
                    try {
                        var load = BareLocks(settings)
                        return try load.run()
                    }()
                }
            print(result.json)
        } catch let error as LoadError {
            FileHandle.standardError.write(Data((error.description + "\n").utf8))
            exit(error.isUsage ? 2 : 1)
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(1)
        }
    }
}

/// Why nothing was measured.
struct LoadError: Error, CustomStringConvertible {
    let description: String
    var isUsage = false
}
