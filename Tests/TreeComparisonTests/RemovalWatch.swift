import Glibc
import NIOCore
import TestFixtures
import ZooKeeperProtocol

/// Waits until two servers have removed nodes by themselves. On connections of its own: how often it asks is not compared.
final class RemovalWatch {
    private let connections: [WireConnection]
    private var xid: Int32 = 0

    init(ourPort: Int, theirPort: Int) throws {
        connections = [
            try WireConnection(port: ourPort, name: "our server"),
            try WireConnection(port: theirPort, name: "the peer"),
        ]
        for connection in connections {
            var buffer = ByteBuffer()
            Frame.write(into: &buffer) {
                ConnectRequest(lastZxidSeen: 0, timeoutMilliseconds: 600_000).write(into: &$0)
            }
            connection.send(buffer)
            _ = try connection.receive()
        }
    }

    /// - Returns: The paths that only one of the two has removed in time, and which one that is. What neither removes is no
    ///   difference.
    func wait(for paths: [String], within deadline: Duration = .seconds(15)) throws -> [String] {
        let end = ContinuousClock.now + deadline
        while true {
            let ours = try remaining(paths, connections[0])
            let theirs = try remaining(paths, connections[1])
            if ours.isEmpty, theirs.isEmpty { return [] }
            if ContinuousClock.now > end {
                return ours.subtracting(theirs).map { "\($0) by the peer" }.sorted()
                    + theirs.subtracting(ours).map { "\($0) by our server" }.sorted()
            }
            var pause = timespec(tv_sec: 0, tv_nsec: 20_000_000)
            nanosleep(&pause, nil)
        }
    }

    private func remaining(_ paths: [String], _ connection: WireConnection) throws -> Set<String> {
        var found: Set<String> = []
        for path in paths {
            xid += 1
            var buffer = ByteBuffer()
            Frame.write(into: &buffer) {
                RequestHeader(xid: xid, operation: .exists).write(into: &$0)
                PathWatchRequest(path: path, watch: false).write(into: &$0)
            }
            connection.send(buffer)
            guard case .frame(var frame) = try connection.receive() else {
                throw WireConnection.Silence(name: "a server that closed the connection")
            }
            if try ReplyHeader(from: &frame).error != .noNode { found.insert(path) }
        }
        return found
    }
}
