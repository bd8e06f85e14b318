import Foundation
import Synchronization

/// Three Apache ZooKeeper servers that replicate among themselves.
///
/// Each server reaches the quorum port of each other one through a proxy of its own, so that a member can be cut off
/// from the others while clients still reach it. Only the replication goes that way: elections are held over direct
/// connections, so whoever cuts the leader off for good must pause it, too, or it is elected again and again.
///
/// Or each stands on a machine of its own in an ``IsolatedNetwork``, which can be cut anywhere, and there are no proxies.
public final class ApacheEnsemble: Sendable {
    private struct Server: Sendable {
        let host: String
        let port: Int
        let configuration: String
        let log: String
    }

    /// The replication from a follower to a leader.
    private struct Link: Sendable {
        let follower: Int
        let leader: Int
        let proxy: FaultProxy
    }

    private let servers: [Server]
    private let links: [Link]
    private let network: IsolatedNetwork?
    private let processes: Mutex<[ChildProcess?]>

    /// `127.0.0.1:p1,127.0.0.1:p2,127.0.0.1:p3`
    public var connectString: String { servers.map { "\($0.host):\($0.port)" }.joined(separator: ",") }

    /// Starts all three. A follower that hears nothing for `syncLimit` ticks gives its leader up, and the other way round.
    ///
    /// - Parameter network: Has a machine for each of the three; nil when all stand on this one.
    public init(
        scratch: Scratch, tickMilliseconds: Int = 500, syncLimit: Int = 10, network: IsolatedNetwork? = nil
    ) throws {
        guard FileManager.default.fileExists(atPath: "/usr/share/java/zookeeper.jar") else {
            throw FixtureError("Apache ZooKeeper is not installed; install it with: apt-get install zookeeper")
        }
        let quorumPorts = try (0..<3).map { _ in try FreePort.tcp() }
        let electionPorts = try (0..<3).map { _ in try FreePort.tcp() }
        var links: [Link] = []
        var servers: [Server] = []
        for index in 0..<3 {
            let name = "zk\(index + 1)"
            let folder = try scratch.folder(name)
            try scratch.write("\(index + 1)\n", to: "\(name)/data/myid")
            let port = try FreePort.tcp()
            let host = network?.address(index) ?? "127.0.0.1"
            let peers = try (0..<3).map { other in
                var quorumPort = quorumPorts[other]
                if other != index, network == nil {
                    let proxy = try FaultProxy(target: quorumPort)
                    links.append(Link(follower: index, leader: other, proxy: proxy))
                    quorumPort = proxy.port
                }
                let peer = network?.address(other) ?? "127.0.0.1"
                return "server.\(other + 1)=\(peer):\(quorumPort):\(electionPorts[other])"
            }
            let configuration = try scratch.write(
                """
                tickTime=\(tickMilliseconds)
                initLimit=20
                syncLimit=\(syncLimit)
                dataDir=\(folder)/data
                clientPort=\(port)
                clientPortAddress=\(host)
                admin.enableServer=false
                maxClientCnxns=0
                \(peers.joined(separator: "\n"))

                """, to: "\(name)/zoo.cfg")
            servers.append(Server(host: host, port: port, configuration: configuration, log: folder + "/log"))
        }
        self.servers = servers
        self.links = links
        self.network = network
        processes = Mutex([nil, nil, nil])
        for index in 0..<3 { try start(index) }
    }

    /// Starts a member (again). It serves when ``role(_:)`` says something.
    public func start(_ index: Int) throws {
        let server = servers[index]
        let java = "/usr/bin/java"
        let arguments = [
            "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j2.level=OFF",
            // Of elections: a member that is out of reach shall not hold them up for longer than a few ticks.
            "-Dzookeeper.cnxTimeout=1000", "-cp", "/usr/share/java/*",
            "org.apache.zookeeper.server.quorum.QuorumPeerMain", server.configuration,
        ]
        let command = try network?.command(on: index, java, arguments) ?? (java, arguments)
        let process = try ChildProcess(
            name: "zookeeper \(index + 1)", executable: command.0, arguments: command.1, output: server.log)
        processes.withLock { $0[index] = process }
    }

    public func port(_ index: Int) -> Int { servers[index].port }

    public func kill9(_ index: Int) async {
        await processes.withLock { $0[index] }?.kill9()
    }

    /// SIGSTOP: the member keeps its connections and answers nobody.
    public func pause(_ index: Int) { processes.withLock { $0[index] }?.signal(SIGSTOP) }
    public func resume(_ index: Int) { processes.withLock { $0[index] }?.signal(SIGCONT) }

    /// Nothing passes between this member and the others, and nobody is told. Clients still reach it. (For an ensemble on
    /// this machine.)
    public func isolate(_ index: Int) {
        for link in links where link.follower == index || link.leader == index {
            link.proxy.hold(.toServer)
            link.proxy.hold(.toClient)
        }
    }

    /// Ends every isolation. What was held back arrives late, as from a network that was slow.
    public func heal() {
        for link in links { link.proxy.heal() }
    }

    /// `leader` or `follower`; nil while the member serves nobody.
    public func role(_ index: Int) -> String? {
        guard let socket = RawSocket(host: servers[index].host, port: servers[index].port) else { return nil }
        defer { socket.close() }
        guard socket.send(Array("srvr".utf8)) else { return nil }
        var text = ""
        // The answer ends with the connection.
        while let more = socket.receive(atLeast: 1, within: .seconds(1)) {
            text += String(decoding: more, as: UTF8.self)
        }
        guard let mode = text.split(separator: "\n").first(where: { $0.hasPrefix("Mode: ") }) else { return nil }
        return String(mode.dropFirst("Mode: ".count))
    }

    /// The members that serve, and as what; for a failed test's report.
    public var roles: String { (0..<3).map { "\($0 + 1): \(role($0) ?? "-")" }.joined(separator: ", ") }

    /// Waits until one member leads and the other two follow.
    public func waitUntilWhole(within deadline: Duration = .seconds(60)) async throws {
        try await eventually(
            "a whole ensemble", within: deadline, every: .milliseconds(50), seen: { self.roles }
        ) {
            (0..<3).map { self.role($0) ?? "" }.sorted() == ["follower", "follower", "leader"]
        }
    }

    /// Which member leads; waits until one does.
    public func leader() async throws -> Int {
        try await eventuallyValue("a leader", within: .seconds(60), every: .milliseconds(50), seen: { self.roles }) {
            (0..<3).first { self.role($0) == "leader" }
        }
    }

    /// The last lines of each member's output.
    public var report: String {
        processes.withLock { $0 }.compactMap { $0?.report(lines: 20) }.joined()
    }

    public func stop() async {
        heal()
        for index in 0..<3 {
            resume(index)
            await kill9(index)
        }
        for link in links { link.proxy.close() }
    }
}
