import JSON
import Logging
import Plant
import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol

/// Removes what a dead gateway owned, on the broker's word, without waiting for its session to expire.
///
/// ``DeathHints`` says when that word is believed; this reads the tree for it and carries the removal out: all nodes of the
/// session go in one transaction. If the gateway lives after all, it finds its nodes gone, stops acting (every owner's write
/// is fenced by a check of such a node) and queues again.
final class FastTakeover: Sendable {
    /// Hints that are worked on at once, of gateways that are not registered as far as is known: each costs a reading, and
    /// any publisher on the topic can make up any number. Further ones are dropped; a session's expiry decides then.
    static let strangers = 4

    private struct State {
        var hints: DeathHints
        /// Lives that something is being done about.
        var underway: Set<GatewayLife> = []
        var strangersUnderway = 0
        var known: @Sendable (Int64) -> [String] = { _ in [] }
    }

    private let client: ZooKeeperClient
    private let clock: GatewayClock
    private let outsiders: OutsiderLog
    private let state: Mutex<State>

    init(
        client: ZooKeeperClient, gateway: String, rule: DeathHints.Rule = .init(), clock: GatewayClock = .system,
        logger: Logger
    ) {
        self.client = client
        self.clock = clock
        outsiders = OutsiderLog(logger, clock: clock)
        state = Mutex(State(hints: DeathHints(gateway: gateway, rule: rule)))
    }

    private var now: Milliseconds { clock.milliseconds }

    /// Where a session's candidates can be looked up without asking the tree; may lack the newest. Call before any hint.
    func lookUp(_ known: @escaping @Sendable (_ session: Int64) -> [String]) {
        state.withLock { $0.known = known }
    }

    /// These gateways are registered now.
    func membersSeen(_ members: [GatewayMember]) { state.withLock { $0.hints.membersSeen(members, at: now) } }

    /// What follows from a notice on the broker; nil when nothing does. To be carried out with ``perform(_:)``, beside
    /// other work. Cheap.
    func heard(_ notice: GatewayNotice) -> DeathHints.Action? {
        guard notice.state == .offline else { return nil }
        let life = notice.asLife
        return state.withLock { state in
            // A hint that is not acted upon must not count as one that was.
            guard !state.underway.contains(life) else { return nil }
            let action = state.hints.hinted(life, at: now)
            let isStranger: Bool
            switch action {
            case .none: return nil
            case .remove(_, let registration): isStranger = registration == nil
            case .look: isStranger = false
            }
            guard !isStranger || state.strangersUnderway < Self.strangers else { return nil }
            state.underway.insert(life)
            if isStranger { state.strangersUnderway += 1 }
            return action
        }
    }

    /// Does what ``heard(_:)`` returned, and what follows from that.
    func perform(_ first: DeathHints.Action) async {
        var action = first
        while !Task.isCancelled {
            switch action {
            case .none: return finish(first)
            case .remove(let life, let registration):
                do { try await remove(life, registration) } catch {
                    outsiders.info(
                        "takeover on a last will did not go through; the session's expiry will do it",
                        ["gateway": life.gateway, "error": "\(error)"])
                }
                return finish(first)
            case .look(let life, let after):
                try? await clock.sleep(.milliseconds(after))
                // When the tree cannot be asked there is no evidence.
                let zxid = try? await lastSign(of: life)
                action = state.withLock { $0.hints.signSeen(life, zxid: zxid, at: now) }
                if case .none = action {
                    outsiders.info(
                        "a last will was not followed: the gateway had proved an earlier one false",
                        ["gateway": life.gateway])
                }
            }
        }
        finish(first)
    }

    private func finish(_ action: DeathHints.Action) {
        state.withLock { state in
            switch action {
            case .none: return
            case .remove(let life, let registration):
                state.underway.remove(life)
                if registration == nil { state.strangersUnderway -= 1 }
            case .look(let life, _): state.underway.remove(life)
            }
        }
    }

    /// Removes what an earlier life of this gateway left behind when it was killed: it need not wait for its own ghost.
    func removeOwnLeftovers(of identity: GatewayIdentity) async throws {
        try await removeNodes(of: identity.gateway) { data, _ in identity.provesDeath(of: data) }
    }

    private func remove(_ life: GatewayLife, _ registration: Int64?) async throws {
        try await removeNodes(of: life.gateway) { data, czxid in
            // A will may have been meant for another life of that gateway, or for a registration that it has replaced.
            guard let record = GatewayRecord(parsing: data, name: life.gateway) else { return false }
            return record.identity.asLife == life && (registration == nil || registration == czxid)
        }
    }

    /// The transaction in which the life last rewrote its counters; nil when that is not the life's node.
    private func lastSign(of life: GatewayLife) async throws -> Int64? {
        // What a follower of an ensemble has not heard of yet is no silence.
        try await client.sync(TreeLayout.statuses)
        let node = try await client.getData(TreeLayout.status(life.gateway))
        guard let json = try? JSONValue(parsing: node.data ?? []), json["life"]?.stringValue == life.key else {
            return nil
        }
        return node.stat.mzxid
    }

    /// Removes everything that the session of a gateway's registration owns, if the registration is what was meant.
    private func removeNodes(
        of dead: String, isMeant: (_ registration: [UInt8], _ czxid: Int64) -> Bool
    ) async throws {
        let started = clock.now()
        for attempt in 0..<3 {
            let registration: NodeData
            do {
                registration = try await client.getData(TreeLayout.gateway(dead))
            } catch let error as ZooKeeperError where error.code == .noNode {
                return
            }
            let session = registration.stat.ephemeralOwner
            guard session != 0, let data = registration.data, isMeant(data, registration.stat.czxid) else { return }
            // Alarms and values wait: what is known goes at once, and whether it was all is looked at afterwards.
            let known = attempt == 0 ? state.withLock { $0.known }(session) : []
            let nodes = known.isEmpty ? try await ownershipNodes(ofSession: session) : known
            do {
                _ = try await client.transaction(
                    nodes.map { .delete(path: $0, version: -1) }
                        + [.delete(path: TreeLayout.gateway(dead), version: registration.stat.version)])
                outsiders.notice(
                    "took over from a dead gateway",
                    ["gateway": dead, "nodes": "\(nodes.count)", "after": "\(clock.now() - started)"])
                if !known.isEmpty { try await removeRest(ofSession: session) }
                return
            } catch let error as ZooKeeperError where error.code == .noNode || error.code == .badVersion {
                continue  // another candidate was faster with a part of them, or it was written meanwhile: look again
            }
        }
    }

    /// Removes the candidates of a session whose registration has been removed.
    private func removeRest(ofSession session: Int64) async throws {
        for path in try await ownershipNodes(ofSession: session) {
            do { try await client.delete(path) } catch let error as ZooKeeperError where error.code == .noNode {
                continue
            }
        }
    }

    /// The election nodes that belong to a session, read in parallel.
    private func ownershipNodes(ofSession session: Int64) async throws -> [String] {
        let parents = [TreeLayout.alarmProcessor] + (0..<TreeLayout.shardCount).map(TreeLayout.shard)
        return try await withThrowingTaskGroup(of: [String].self) { group in
            for parent in parents {
                group.addTask {
                    let children: [String]
                    do { children = try await self.client.getChildren(parent) } catch let error as ZooKeeperError
                        where error.code == .noNode
                    { return [] }
                    var owned: [String] = []
                    for child in children {
                        let path = parent + "/" + child
                        if let stat = try await self.client.exists(path), stat.ephemeralOwner == session {
                            owned.append(path)
                        }
                    }
                    return owned
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }
}
