public import Logging
public import ServiceLifecycle
import Synchronization
public import ZooKeeperClient
import ZooKeeperProtocol

/// Shows this process to the others as an ephemeral node, for as long as it runs.
///
/// The node is made anew in each new session, and when somebody deletes it. When another session has a node of this
/// name, it is replaced if it stems from an earlier session of this very object, or if `mayReplace` says so (the same
/// member, started again, whose old session has not ended yet); otherwise the newcomer waits until it goes.
public final class Membership: Service, Sendable {
    private let client: ZooKeeperClient
    private let path: String
    private let name: String
    /// What the node is to show.
    private let data: Mutex<[UInt8]>
    private let mayReplace: @Sendable (_ existingData: [UInt8]) -> Bool
    private let logger: Logger
    private let list: MemberList
    private let ownSessions = Mutex<Set<Int64>>([])

    /// Makes a member.
    ///
    /// - Parameters:
    ///   - path: The parent of the members' nodes; made if missing.
    ///   - name: The name of this member's node.
    ///   - data: What the node shows.
    ///   - mayReplace: Whether a node of this name with this data, of another session, is a leftover that may be
    ///     deleted.
    public init(
        client: ZooKeeperClient, path: String, name: String, data: [UInt8],
        mayReplace: @escaping @Sendable (_ existingData: [UInt8]) -> Bool = { _ in false }, logger: Logger
    ) {
        self.client = client
        self.path = path
        self.name = name
        self.data = Mutex(data)
        self.mayReplace = mayReplace
        self.logger = logger
        list = MemberList(client: client, path: path, logger: logger)
    }

    private var nodePath: String { ZooKeeperPath.child(name, of: path) }

    /// All members, this one included once it is registered: the current list, then each new one. Ends with ``run()``.
    public func members() -> AsyncStream<[Member]> { list.members() }

    /// The members as last seen.
    public var currentMembers: [Member] { list.current ?? [] }

    /// Shows other data from now on, also in every later node; returns when the present node shows it, if there is one.
    ///
    /// For one caller at a time. After an error the node may show the old data still: call it again.
    public func update(_ data: [UInt8]) async throws {
        self.data.withLock { $0 = data }
        do {
            let node = try await client.getData(nodePath)
            guard node.stat.ephemeralOwner == client.session?.id, node.data != data else { return }
            // With its version: should the node be another's by now, nothing happens.
            try await client.setData(nodePath, data: data, version: node.stat.version)
        } catch let error as ZooKeeperError where error.code == .noNode || error.code == .badVersion {
            return  // it is made, or looked at, again, and then shows this
        }
    }

    /// Stays a member until cancelled or shut down gracefully; then removes the node and returns.
    ///
    /// - Throws: ``/ZooKeeperClient/ZooKeeperError`` when that is hopeless: the client has ended, or access is denied.
    public func run() async throws {
        try await cancelWhenGracefulShutdown {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.list.run() }
                group.addTask { try await self.stayRegistered() }
                defer { group.cancelAll() }
                try await group.waitForAll()
            }
        }
    }

    private func stayRegistered() async throws {
        var attempt = Attempt(.service)
        do {
            while true {
                try Task.checkCancellation()
                do {
                    let watch = try await register()
                    let start = ContinuousClock.now
                    if case .closed = try await watch.next() {
                        throw ZooKeeperError(code: .clientClosed, path: nodePath)
                    }
                    // Whoever deletes the node again and again is answered more slowly.
                    if ContinuousClock.now - start > .seconds(2) { attempt = Attempt(.service) }
                } catch let error as ZooKeeperError {
                    if error.code != .sessionExpired { try await attempt.failed(error) }
                }
            }
        } catch {
            await leave()
            if !(error is CancellationError) { throw error }
        }
    }

    /// Makes sure that the node is there and belongs to the current session.
    ///
    /// - Returns: A watch that fires when it may not be so any more.
    private func register() async throws -> Watch {
        // Said once of each session: whoever writes its node again and again must not fill the log.
        var saidOf: Int64?
        while true {
            try Task.checkCancellation()
            do {
                let (node, watch) = try await client.getDataAndWatch(nodePath)
                if let session = client.session, node.stat.ephemeralOwner == session.id {
                    ownSessions.withLock { _ = $0.insert(session.id) }
                    // Changed while the node was being made.
                    let data = data.withLock { $0 }
                    guard node.data != data else { return watch }
                    try await client.setData(nodePath, data: data, version: node.stat.version)
                    continue
                }
                let isOurs = ownSessions.withLock { $0.contains(node.stat.ephemeralOwner) }
                if isOurs || mayReplace(node.data ?? []) {
                    logger.info("replacing the node of an earlier session", metadata: ["path": "\(nodePath)"])
                    try await replace(node)
                } else {
                    if saidOf != node.stat.ephemeralOwner {
                        logger.info("waiting for another session's node to go", metadata: ["path": "\(nodePath)"])
                        saidOf = node.stat.ephemeralOwner
                    }
                    _ = try await watch.next()
                }
            } catch let error as ZooKeeperError where error.code == .noNode {
                try await create()
            } catch let error as ZooKeeperError where error.code == .badVersion {
                continue  // changed meanwhile: look again
            }
        }
    }

    private func create() async throws {
        do {
            try await client.create(nodePath, data: data.withLock { $0 }, mode: .ephemeral)
        } catch let error as ZooKeeperError where error.code == .nodeExists {
            return  // an unanswered create of ours, or somebody else's: the next look tells
        } catch let error as ZooKeeperError where error.code == .noNode {
            try await client.ensurePath(path)
        }
    }

    /// Deletes a leftover and takes its place at once. Should a live one have taken it since it was read, that one
    /// notices and comes back.
    private func replace(_ node: NodeData) async throws {
        let data = data.withLock { $0 }
        do {
            // Nobody sees the member missing.
            try await client.transaction([
                .delete(path: nodePath, version: node.stat.version),
                .create(path: nodePath, data: data, mode: .ephemeral),
            ])
        } catch let error as ZooKeeperError where error.code == .noNode || error.code == .badVersion {
            return  // it went, or changed, meanwhile: look again
        }
    }

    /// Removes the node, cancelled or not.
    private func leave() async {
        let session = client.session
        await Cleanup.untilDone(client, sessionID: session?.id) {
            // Behind a create that was cancelled on its way.
            try await self.client.sync(self.path)
            guard let stat = try await self.client.exists(self.nodePath), stat.ephemeralOwner == session?.id else {
                return
            }
            try await self.client.delete(self.nodePath)
        }
    }
}
