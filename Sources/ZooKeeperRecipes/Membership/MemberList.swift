public import Logging
public import ServiceLifecycle
import Synchronization
public import ZooKeeperClient
import ZooKeeperProtocol

/// The children of a node with their data, kept up to date.
///
/// One recursive watch tells what changed; only that is read again. After every gap the whole list is.
public final class MemberList: Service, Sendable {
    private let client: ZooKeeperClient
    private let path: String
    private let logger: Logger
    private let broadcast = StateBroadcast<[Member]?>(nil, bound: 8)

    /// Makes a list of the children of `path`, which is made if missing.
    public init(client: ZooKeeperClient, path: String, logger: Logger) {
        self.client = client
        self.path = path
        self.logger = logger
    }

    /// The members as last seen; nil before the first look.
    public var current: [Member]? { broadcast.value }

    /// The current list, as soon as there is one, and then each new one, sorted by name. Ends with ``run()``.
    public func members() -> AsyncStream<[Member]> {
        let updates = broadcast.updates { $0 != nil }
        let (stream, continuation) = AsyncStream.makeStream(of: [Member].self, bufferingPolicy: .bufferingNewest(8))
        // A task of its own that ends with the stream or with the list: a stream has to be filled by somebody.
        let task = Task {
            for await members in updates { if let members { continuation.yield(members) } }
            continuation.finish()
        }
        continuation.onTermination = { _ in task.cancel() }
        return stream
    }

    /// Keeps the list until cancelled or shut down gracefully.
    ///
    /// - Throws: ``/ZooKeeperClient/ZooKeeperError`` when that is hopeless: the client has ended, or access is denied.
    public func run() async throws {
        defer { broadcast.finish() }
        try await cancelWhenGracefulShutdown {
            var members: [String: Member] = [:]
            try await SubtreeFollower(client: self.client, path: self.path).serve(logger: self.logger) { element in
                switch element {
                case .gap: members = try await self.readAll()
                case .event(let event):
                    guard event.path.utf8.count > self.path.utf8.count,
                        ZooKeeperPath.parent(of: event.path) == self.path
                    else { return }
                    let name = String(ZooKeeperPath.name(of: event.path))
                    members[name] = event.type == .nodeDeleted ? nil : try await self.read(name)
                }
                self.publish(members)
            }
        }
    }

    private func readAll() async throws -> [String: Member] {
        var window = ReadWindow()
        try await client.ensurePath(path)
        var members: [String: Member] = [:]
        try await window.inParts(try await client.getChildren(path)) { names in
            let reads = try names.map { (name: $0, answer: try client.startGetData(nodePath($0))) }
            for (name, answer) in reads {
                do {
                    members[name] = Self.member(name, try await answer.value())
                } catch let error as ZooKeeperError where error.code == .noNode {
                    members[name] = nil
                }
            }
        }
        return members
    }

    private func read(_ name: String) async throws -> Member? {
        do {
            return Self.member(name, try await client.getData(nodePath(name)))
        } catch let error as ZooKeeperError where error.code == .noNode {
            return nil
        }
    }

    private func nodePath(_ name: String) -> String { ZooKeeperPath.child(name, of: path) }

    private static func member(_ name: String, _ node: NodeData) -> Member {
        Member(
            name: name, data: node.data ?? [], sessionID: node.stat.ephemeralOwner, registration: node.stat.czxid)
    }

    private func publish(_ members: [String: Member]) {
        let sorted = members.values.sorted { $0.name < $1.name }
        if broadcast.value != sorted { broadcast.send(sorted) }
    }
}
