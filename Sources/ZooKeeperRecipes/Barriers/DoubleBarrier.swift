public import ZooKeeperClient
import ZooKeeperProtocol

/// Lets `count` participants begin together and end together, round after round.
///
/// Who enters makes a node and waits until `count` are there. Whoever sees that begins the round with one transaction: it
/// demands that the nodes of the first `count` still exist, and names them in a node that only this round has. So
/// - a participant that dies while it waits is not counted: the others go on waiting;
/// - who comes too many waits for the next round;
/// - one that dies inside does not keep the others from leaving: its node goes with its session;
/// - when all of a round die, who waits for the next one ends theirs.
///
/// Layout: `path/members/_c_<uuid>-<seq>` (ephemeral), `path/rounds/<first member>` (the names of all of the round).
public struct DoubleBarrier: Sendable {
    /// A participant's stay inside.
    public struct Pass: Sendable {
        /// Held from the entrance to the exit.
        public let lease: Lease
        /// The names of the nodes of all who are in this round.
        public let participants: [String]
        let round: String
    }

    private let client: ZooKeeperClient
    private let members: String
    private let rounds: String
    private let count: Int
    private let identity: [UInt8]

    /// Describes a barrier for `count` participants, at least 1; all must give the same number.
    public init(client: ZooKeeperClient, path: String, count: Int, identity: [UInt8]) {
        self.client = client
        members = ZooKeeperPath.child("members", of: path)
        rounds = ZooKeeperPath.child("rounds", of: path)
        self.count = max(1, count)
        self.identity = identity
    }

    /// Enters, and waits until the others have.
    ///
    /// - Throws: `CancellationError`; ``/ZooKeeperClient/ZooKeeperError`` with what servers refuse for good (access, a
    ///   quota), or when the client has closed. Either way the node is gone when this throws, or, while no server
    ///   answers within two seconds, as soon as one does. Should the round have begun at that moment, the others see
    ///   this one as having left.
    public func enter() async throws -> Pass {
        try await makeRounds()
        while true {
            let candidacy = Candidacy(client: client, parent: members, identity: identity, kind: "")
            var node: Candidacy.Node?
            do {
                let entry = try await candidacy.enter()
                node = entry.node
                return try await waitForRound(entry.node, candidacy)
            } catch is Candidacy.Displaced {
                try Task.checkCancellation()
            } catch {
                await candidacy.leave(node, within: Cleanup.patience)
                throw error
            }
        }
    }

    private func makeRounds() async throws {
        var attempt = Attempt()
        while true {
            do {
                return try await client.ensurePath(rounds)
            } catch let error as ZooKeeperError {
                try await attempt.failed(error)
            }
        }
    }

    /// Waits until a round has begun that has this participant in it, begins one when it can, and ends those whose
    /// participants have died. Each turn of the loop looks at everything once, with watches armed, and then acts, looks
    /// again, or waits for one of them.
    private func waitForRound(_ node: Candidacy.Node, _ candidacy: Candidacy) async throws -> Pass {
        var attempt = Attempt()
        while true {
            try Task.checkCancellation()
            do {
                // Answered in this order. The rounds are listed twice because the answer that arms the watch has no
                // Stat: the second one has the version over which a round is begun, and the rounds in that version.
                // The members come later: whoever is in a round was there when it began, so if missing from their
                // list has gone since.
                let (roundsNow, roundsWatch) = try client.startGetChildrenAndWatch(rounds)
                let version = try client.startGetChildren2(rounds)
                let membersNow = try client.startGetChildren(members)
                // The last to be answered; the others are here when it is.
                let ownWatch = try await candidacy.verify(node)
                let current = try await roundsNow.value()
                let (listed, stat) = try await version.value()
                let present = try await membersNow.value()
                // A round began or ended between the two.
                guard Set(current) == Set(listed) else { continue }
                var watches = [ownWatch, roundsWatch]
                var isToLookAgain = false
                for round in current {
                    let path = ZooKeeperPath.child(round, of: rounds)
                    // One that has just ended: the watch on the rounds has fired, and ends the wait below.
                    guard let names = try await participants(of: path) else { continue }
                    if names.contains(node.name) {
                        let lease = candidacy.grant(node, ownWatch)
                        if lease.isValid() { return Pass(lease: lease, participants: names, round: path) }
                        // Answers of long ago, for whoever was stopped; this one is not.
                        try await client.sync(rounds)
                        isToLookAgain = true
                    } else if let watch = try await end(path, unlessPresent: names, among: Set(present)) {
                        watches.append(watch)
                    } else {
                        isToLookAgain = true
                    }
                }
                if current.isEmpty {
                    let first = Array(Self.inOrder(present).prefix(count))
                    if first.count == count {
                        try await begin(first, version: stat.version)
                        continue  // and see whether it is this one that has begun
                    }
                }
                if isToLookAgain { continue }
                // Nobody needs to look at members who come: the last one to come begins the round.
                try await Self.waitForAny(watches)
            } catch let error as ZooKeeperError {
                switch error.code {
                case .sessionExpired: throw Candidacy.Displaced(reason: .sessionExpired)
                case .noNode: try await makeRounds()
                default: try await attempt.failed(error)
                }
            }
        }
    }

    /// The names of those whose round it is; nil when it has ended.
    private func participants(of round: String) async throws -> [String]? {
        do {
            return String(decoding: try await client.getData(round).data ?? [], as: UTF8.self)
                .split(separator: "\n").map(String.init)
        } catch let error as ZooKeeperError where error.code == .noNode {
            return nil
        }
    }

    /// Ends another round whose participants are all gone, as they are when they have died.
    ///
    /// - Parameter present: Who was there after the round had begun.
    /// - Returns: A watch on one who is still there; nil when the round is to be looked at again.
    private func end(
        _ round: String, unlessPresent participants: [String], among present: Set<String>
    ) async throws -> Watch? {
        guard let last = participants.last(where: present.contains) else {
            try await end(round)
            return nil
        }
        let (stat, watch) = try await client.existsAndWatch(ZooKeeperPath.child(last, of: members))
        return stat == nil ? nil : watch
    }

    /// Begins a round. The version sees to it that there is one at a time.
    private func begin(_ names: [String], version: Int32) async throws {
        guard let first = names.first else { return }
        do {
            try await client.transaction(
                [.setData(path: rounds, data: nil, version: version)]
                    + names.map { .check(path: ZooKeeperPath.child($0, of: members)) }
                    + [
                        .create(
                            path: ZooKeeperPath.child(first, of: rounds),
                            data: Array(names.joined(separator: "\n").utf8))
                    ])
        } catch let error as ZooKeeperError
            where error.code == .badVersion || error.code == .noNode || error.code == .nodeExists
        {
            return  // somebody else began one, or somebody went: look again
        }
    }

    /// Leaves, and waits until the others have left, too. Returns also when the own node has gone meanwhile.
    ///
    /// - Throws: `CancellationError`; ``/ZooKeeperClient/ZooKeeperError`` with what servers refuse for good, or when the
    ///   client has closed. The node is on its way out nevertheless.
    public func leave(_ pass: Pass) async throws {
        pass.lease.grant.lose(.resigned)
        await Cleanup.delete(pass.lease.path, client: client, sessionID: pass.lease.sessionID).wait()
        var attempt = Attempt()
        while true {
            try Task.checkCancellation()
            do {
                let present = Set(try await client.getChildren(members))
                // All wait for the same one, the last; whoever is still there when it goes is looked for again.
                guard let last = pass.participants.last(where: present.contains) else { break }
                let (stat, watch) = try await client.existsAndWatch(ZooKeeperPath.child(last, of: members))
                if stat != nil { _ = try await watch.next() }
            } catch let error as ZooKeeperError {
                if error.code == .noNode { break }
                try await attempt.failed(error)
            }
        }
        try await end(pass.round)
    }

    /// Everybody of the round does this; its name is never used again, so nobody can end another one.
    private func end(_ round: String) async throws {
        var attempt = Attempt()
        while true {
            do {
                return try await client.delete(round)
            } catch let error as ZooKeeperError {
                if error.code == .noNode { return }
                try await attempt.failed(error)
            }
        }
    }

    private static func inOrder(_ names: [String]) -> [String] {
        names.compactMap { name in QueueOrder.sequence(of: name).map { (name, $0) } }
            .sorted { ($0.1 &- $1.1) < 0 }.map(\.0)
    }

    private static func waitForAny(_ watches: [Watch]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for watch in watches { group.addTask { _ = try await watch.next() } }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
