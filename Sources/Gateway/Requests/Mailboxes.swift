import Logging
import Plant
import ServiceLifecycle
import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// What people and programs ask for in `/requests`, as every gateway follows it; those that are responsible take it from
/// here and answer it in the transaction that does what was asked for.
///
/// A ``RequestDesk`` decides what is open; this is the shell that feeds it from the tree.
final class Mailboxes: Service, Sendable {
    /// After the tree has refused to be followed.
    static let retryPause = Duration.seconds(1)
    /// Nodes that are deleted unanswered in one turn of the alarm processor.
    static let discardBatch = 16

    private struct State {
        var desk = RequestDesk()
        var isResyncing = false
        var refused: RefusedRequests
        var discarded: UInt64 = 0
        var answered: UInt64 = 0
    }

    private let client: ZooKeeperClient
    private let gateway: String
    private let replies: RequestReplies
    /// Of the services that answer.
    private let alarms: Wake
    private let commands: Wake
    private let own: Wake
    private let failures: FailureLog
    private let clock: GatewayClock
    private let logger: Logger
    private let outsiders: OutsiderLog
    private let state: Mutex<State>

    /// - Parameters:
    ///   - alarms: turned when the alarm processor may have something to answer or to delete.
    ///   - commands: turned when an owner of shards may have something to answer.
    ///   - own: turned when this gateway itself may have been asked for something.
    init(
        client: ZooKeeperClient, gateway: String, replies: RequestReplies, alarms: Wake, commands: Wake,
        own: Wake = Wake(), health: FailureBoard, clock: GatewayClock, logger: Logger
    ) {
        self.client = client
        self.gateway = gateway
        self.replies = replies
        self.alarms = alarms
        self.commands = commands
        self.own = own
        self.clock = clock
        self.logger = logger
        outsiders = OutsiderLog(logger, clock: clock)
        failures = health.log(
            .mailboxes, began: "what people ask for cannot be read", ended: "what people ask for is read again")
        state = Mutex(State(refused: RefusedRequests(gateway: gateway)))
    }

    // MARK: Following

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do { try await self.follow() } catch { self.failures.failed("\(error)") }
                try? await self.clock.sleep(Self.retryPause)
            }
        }
    }

    /// Until the cache gives up: access is refused, or somebody has filled the folder.
    private func follow() async throws {
        var limits = TreeCache.Limits()
        limits.nodes = 100_000
        limits.bytes = 256 << 20
        limits.nodeBytes = Request.sizeLimit
        let cache = TreeCache(
            client: client, path: TreeLayout.requests, limits: limits, skipsRefusedNodes: true, logger: logger)
        state.withLock { $0.isResyncing = false }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await cache.run() }
            group.addTask { for await change in cache.changes() { self.take(change) } }
            defer { group.cancelAll() }
            // With the first error: the others would not end.
            for try await () in group {}
        }
    }

    private func take(_ change: TreeChange) {
        failures.succeeded()
        let now = clock.milliseconds
        switch change {
        case .created(let node), .updated(let node):
            guard let reading = RequestDesk.Reading(node) else { return }
            state.withLock { $0.desk.seen(reading, at: now) }
        case .deleted(let node): state.withLock { $0.desk.gone(node.path) }
        case .snapshot(let snapshot):
            let nodes = snapshot.paths.compactMap { snapshot.value($0) }
            let readings = nodes.sorted { ($0.stat.czxid, $0.path) < ($1.stat.czxid, $1.path) }
                .compactMap(RequestDesk.Reading.init)
            state.withLock { state in
                state.desk.listed(Set(readings.map(\.path)))
                for reading in readings { state.desk.seen(reading, at: now) }
            }
        // The cache reports what came meanwhile in no order, and the second one must not be answered first.
        case .resyncing: return state.withLock { $0.isResyncing = true }
        case .resynced: state.withLock { $0.isResyncing = false }
        }
        alarms.wake()
        commands.wake()
        own.wake()
    }

    // MARK: Asked by those who answer

    /// Whether somebody who is responsible for that has something to answer.
    var responsible: Set<Request.Responsible> { state.withLock { Set($0.desk.responsible) } }

    /// The next open requests, the oldest first.
    func next(for responsible: Request.Responsible, limit: Int) -> [RequestDesk.Open] {
        state.withLock { $0.isResyncing ? [] : $0.desk.next(for: responsible, limit: limit) }
    }

    /// How many requests of a principal are open.
    func count(of principal: String) -> Int { state.withLock { $0.desk.count(of: principal) } }

    /// Who asks, by what the tree says of the mailbox in which the request lies.
    func principal(of open: RequestDesk.Open) async throws -> Principal {
        if let principal = open.request.onBehalfOf { return principal }
        let name = open.place.principal
        // Nobody who may create mailboxes, or write records by hand, is to make up a name.
        var isVerified = try await isClosed(TreeLayout.requests)
        if isVerified { isVerified = try await isClosed(TreeLayout.commands) }
        if isVerified { isVerified = try await isClosed(open.place.mailbox, admitting: name) }
        return Principal(name, established: .mailbox, isVerified: isVerified)
    }

    /// Whether only those whom the tree knows by name may create nodes there, or say who may; and whether that principal
    /// is one of them.
    func isClosed(_ path: String, admitting name: String? = nil) async throws -> Bool {
        do {
            let creators = try await client.getACL(path).acl.filter {
                !$0.permissions.isDisjoint(with: [.create, .admin])
            }
            guard creators.allSatisfy({ !["world", "ip"].contains($0.scheme) }) else { return false }
            guard let name else { return true }
            return creators.contains { entry in
                switch entry.scheme {
                case "sasl", "x509": entry.id == name
                case "digest": entry.id.prefix { $0 != ":" } == name
                default: false
                }
            }
        } catch let error as ZooKeeperError where error.code == .noNode || error.isRefusalOfNode {
            // Who may not see the list cannot say that it is closed.
            return false
        }
    }

    /// Whether the time of a request is over.
    func isExpired(_ open: RequestDesk.Open) -> Bool {
        let sight = clock.look()
        return open.isExpired(at: clock.milliseconds, wall: sight.doubt == nil ? sight.wall : nil)
    }

    /// An answer of this gateway's, as of now.
    func answer(
        _ result: RequestAnswer.Result, reason: String? = nil, removed: RequestAnswer.Removed? = nil
    ) -> RequestAnswer {
        RequestAnswer(result, reason: reason, removed: removed, at: clock.wall(), gateway: gateway)
    }

    /// What writes the answer, for the transaction that does what was asked for. Over version 0 only: a request that its
    /// requester changes or withdraws meanwhile is not carried out.
    static func operation(answering open: RequestDesk.Open, with answer: RequestAnswer) -> Operation {
        .setData(path: open.place.path, data: Request.answering(open.data, with: answer), version: 0)
    }

    /// The answer stands in the tree.
    func answered(_ open: RequestDesk.Open, with answer: RequestAnswer) {
        state.withLock { state in
            state.desk.answered(open)
            state.answered &+= 1
        }
        // A refused acknowledgement concerns its requester alone.
        if answer.result == .refused, case .shardOwner = open.request.responsible {
            noteRefusal(by: open.place.principal, reason: "refused", detail: answer.reason)
        }
        replies.answered(open, with: answer)
    }

    /// Whether it is the request's own node that the tree objects to; then nothing was done, and it is dealt with.
    func isAbout(_ open: RequestDesk.Open, _ error: ZooKeeperError) -> Bool {
        guard error.path == open.place.path else { return false }
        switch error.code {
        case .noNode, .badVersion:
            // Withdrawn, or changed: the cache reports what stands there now.
            state.withLock { $0.desk.answered(open) }
        case _ where error.isRefusalOfNode:
            state.withLock { $0.desk.unwritable(open, detail: "\(error)") }
        default: return false
        }
        return true
    }

    // MARK: Unanswered

    /// Deletes what cannot be answered. For the active alarm processor; for an owner of shards what it could not write.
    ///
    /// - Returns: whether there is more.
    func discard(_ lease: Lease, onlyUnwritable: Bool = false) async throws -> Bool {
        let unwanted = state.withLock {
            $0.desk.discards(limit: Self.discardBatch, onlyUnwritable: onlyUnwritable)
        }
        for item in unwanted {
            do {
                _ = try await lease.guarded([.delete(path: item.path, version: item.version)])
            } catch let error as ZooKeeperError where error.path == item.path {
                // Gone or changed meanwhile; or it cannot be deleted either, and stays for an administrator.
                if error.code != .noNode, error.code != .badVersion {
                    outsiders.warning("a request cannot be deleted", ["request": item.path, "error": "\(error)"])
                }
                state.withLock { $0.desk.discarded(item) }
                continue
            }
            state.withLock { state in
                state.desk.discarded(item)
                state.discarded &+= 1
            }
            noteRefusal(by: item.principal, reason: item.reason.rawValue, detail: item.detail)
            outsiders.warning(
                "a request was deleted unanswered",
                ["request": item.path, "reason": item.reason.rawValue, "detail": item.detail ?? ""])
        }
        return unwanted.count == Self.discardBatch
    }

    // MARK: What was refused

    /// Counts a refused request; see ``RefusedRequests``.
    func noteRefusal(by name: String?, reason: String, detail: String?) {
        let (now, wall) = (clock.milliseconds, clock.wall())
        state.withLock { $0.refused.refused(by: name, reason: reason, detail: detail, at: now, wall: wall) }
    }

    var hasRefusals: Bool { state.withLock { !$0.refused.isEmpty } }

    /// The journal entries of refusals whose minute is over, or all.
    func takeRefusals(all: Bool) -> [JournalEntry] {
        let (now, wall) = (clock.milliseconds, clock.wall())
        return state.withLock { $0.refused.takeDue(at: now, wall: wall, all: all) }
    }

    // MARK: Numbers

    /// Counters by name, for the gateway's status.
    var numbers: [(name: String, value: UInt64)] {
        state.withLock { state in
            [
                ("requestsOpen", UInt64(state.desk.count)), ("requestsAnswered", state.answered),
                ("requestsDiscarded", state.discarded),
            ]
        }
    }
}

extension RequestDesk.Reading {
    /// A node of the cache; nil for a mailbox.
    fileprivate init?(_ node: CachedNode) {
        guard node.path.utf8.count(where: { $0 == UInt8(ascii: "/") }) > 2 else { return nil }
        self.init(
            node.path, data: node.stat.dataLength > 0 ? node.data : [], version: node.stat.version,
            czxid: node.stat.czxid, created: node.stat.ctime)
    }
}
