import Foundation
import Synchronization

/// Three Apache ZooKeeper servers that replicate among themselves.
public final class ApacheEnsemble: Sendable {
    private struct Server: Sendable {
        let port: Int
        let configuration: String
        let log: String
    }

    private let servers: [Server]
    private let processes: Mutex<[ChildProcess?]>

    /// `127.0.0.1:p1,127.0.0.1:p2,127.0.0.1:p3`
    public var connectString: String { servers.map { "127.0.0.1:\($0.port)" }.joined(separator: ",") }

    public init(scratch: Scratch, tickMilliseconds: Int = 500) throws {
        guard FileManager.default.fileExists(atPath: "/usr/share/java/zookeeper.jar") else {
            throw FixtureError("Apache ZooKeeper is not installed; install it with: apt-get install zookeeper")
        }
        let peers = try (1...3).map { "server.\($0)=127.0.0.1:\(try FreePort.tcp()):\(try FreePort.tcp())" }
        servers = try (1...3).map { id in
            let folder = try scratch.folder("zk\(id)")
            try scratch.write("\(id)\n", to: "zk\(id)/data/myid")
            let port = try FreePort.tcp()
            let configuration = try scratch.write(
                """
                tickTime=\(tickMilliseconds)
                initLimit=20
                syncLimit=10
                dataDir=\(folder)/data
                clientPort=\(port)
                clientPortAddress=127.0.0.1
                admin.enableServer=false
                maxClientCnxns=0
                \(peers.joined(separator: "\n"))

                """, to: "zk\(id)/zoo.cfg")
            return Server(port: port, configuration: configuration, log: folder + "/log")
        }
        processes = Mutex([nil, nil, nil])
        for index in 0..<3 { try start(index) }
    }

    public func start(_ index: Int) throws {
        let server = servers[index]
        let process = try ChildProcess(
            name: "zookeeper \(index + 1)", executable: "/usr/bin/java",
            arguments: [
                "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j2.level=OFF", "-cp",
                "/usr/share/java/*",
                "org.apache.zookeeper.server.quorum.QuorumPeerMain", server.configuration,
            ], output: server.log)
        processes.withLock { $0[index] = process }
    }

    public func port(_ index: Int) -> Int { servers[index].port }

    public func kill9(_ index: Int) async {
        await processes.withLock { $0[index] }?.kill9()
    }

    public func stop() async {
        for index in 0..<3 { await kill9(index) }
    }
}
