import ZooKeeperProtocol

/// A few znodes that are used together: reads, conditional writes, and transactions over them.
///
/// With one node it is a versioned register. Beside values and versions it knows zxids: each change has a greater one than
/// all before it, so the order of a history must also be the order of its zxids.
struct ZnodeModel: SequentialModel {
    /// How many nodes there are places for; all are missing at first.
    let count: Int

    struct State: Hashable {
        var nodes: [Node?]
        /// The newest zxid that is known to have been used.
        var newest: Int64 = 0
        /// How many changes without an answer took effect.
        var unanswered = 0
    }

    struct Node: Hashable {
        var value: Int
        var version: Int32 = 0
        var created: Zxid
        var modified: Zxid
    }

    /// The zxid of a change. Of one that nobody saw answered: what it must exceed, and which of these it was.
    enum Zxid: Hashable {
        case known(Int64)
        case after(Int64, unanswered: Int)

        func allows(_ zxid: Int64) -> Bool {
            switch self {
            case .known(let known): known == zxid
            case .after(let floor, _): zxid > floor
            }
        }

        /// Whether it is newer than `zxid`, for certain.
        func isNewer(than zxid: Int64) -> Bool {
            switch self {
            case .known(let known): known > zxid
            case .after(let floor, _): floor >= zxid
            }
        }
    }

    enum Change: Hashable, Sendable {
        case create(Int, value: Int)
        case set(Int, value: Int, version: Int32)
        case delete(Int, version: Int32)
        case check(Int, version: Int32)
    }

    enum Input: Hashable, Sendable {
        case get(Int)
        case exists(Int)
        /// All nodes at one moment.
        case getAll
        /// One operation by itself.
        case change(Change)
        case transaction([Change])

        var isRead: Bool {
            switch self {
            case .get, .exists, .getAll: true
            case .change, .transaction: false
            }
        }
    }

    /// What an answer tells of a node.
    struct Seen: Hashable, Sendable {
        /// nil when the answer does not show the data.
        var value: Int?
        var version: Int32
        var created: Int64
        var modified: Int64
    }

    enum Output: Hashable, Sendable {
        /// For each node that was asked for; nil where there is none.
        case nodes([Seen?])
        /// For each change the stat, where the answer has one.
        case changed([Seen?])
        /// The change that could not be made, and why; hence none was made.
        case refused(Int, ErrorCode)
    }

    var initialState: State { State(nodes: Array(repeating: nil, count: count)) }

    func state(after input: Input, answeredBy output: Output, in state: State) -> State? {
        switch (input, output) {
        case (.get(let slot), .nodes(let seen)), (.exists(let slot), .nodes(let seen)):
            return seen.count == 1 ? Self.compared(state, [(slot, seen[0])]) : nil
        case (.getAll, .nodes(let seen)):
            return seen.count == count ? Self.compared(state, Array(zip(0..<count, seen))) : nil
        case (.change(let change), _): return Self.state(state, after: [change], output)
        case (.transaction(let changes), _): return Self.state(state, after: changes, output)
        case (.get, _), (.exists, _), (.getAll, _): return nil
        }
    }

    func state(afterUnanswered input: Input, in state: State) -> State? {
        let changes: [Change]
        switch input {
        case .get, .exists, .getAll: return nil
        case .change(let change): changes = [change]
        case .transaction(let several): changes = several
        }
        var following = state
        following.unanswered += 1
        for change in changes {
            if Self.refusal(of: change, in: following.nodes) != nil { return nil }
            Self.make(change, at: following.unansweredZxid, in: &following.nodes)
        }
        return following.nodes == state.nodes ? nil : following
    }

    func excludes(_ output: Output, to input: Input, from state: State) -> Bool {
        switch (input, output) {
        case (.get(let slot), .nodes(let seen)), (.exists(let slot), .nodes(let seen)):
            Self.isPast(seen.first ?? nil, state.nodes[slot])
        case (.getAll, .nodes(let seen)): zip(seen, state.nodes).contains { Self.isPast($0, $1) }
        case (_, .changed(let seen)): seen.contains { $0.map { $0.modified <= state.newest } ?? false }
        case (_, .nodes), (_, .refused): false
        }
    }

    private static func isPast(_ seen: Seen?, _ node: Node?) -> Bool {
        guard let seen, let node else { return false }
        return node.modified.isNewer(than: seen.modified)
    }

    // MARK: Reads

    private static func compared(_ state: State, _ seen: [(slot: Int, seen: Seen?)]) -> State? {
        var following = state
        for (slot, seen) in seen {
            switch (state.nodes[slot], seen) {
            case (nil, nil): break
            case (let node?, let seen?):
                // An earlier one of this answer may have told the zxid of this node, too.
                guard let current = following.nodes[slot], Self.shows(node, seen), Self.shows(current, seen) else {
                    return nil
                }
                following.learn(current.created, seen.created)
                following.learn(current.modified, seen.modified)
            case (nil, _?), (_?, nil): return nil
            }
        }
        return following
    }

    private static func shows(_ node: Node, _ seen: Seen) -> Bool {
        seen.version == node.version && (seen.value == nil || seen.value == node.value)
            && node.created.allows(seen.created) && node.modified.allows(seen.modified)
            && seen.created <= seen.modified
    }

    // MARK: Changes

    private static func state(_ state: State, after changes: [Change], _ output: Output) -> State? {
        switch output {
        case .nodes: return nil
        case .refused(let index, let code):
            var nodes = state.nodes
            for (place, change) in changes.enumerated() {
                if let refusal = refusal(of: change, in: nodes) {
                    return place == index && refusal == code ? state : nil
                }
                make(change, at: state.unansweredZxid, in: &nodes)
            }
            return nil
        case .changed(let seen):
            guard seen.count == changes.count else { return nil }
            // All changes of a transaction have one zxid, newer than any before.
            let told = Set(seen.compactMap { $0?.modified })
            guard told.count <= 1, told.allSatisfy({ $0 > state.newest }) else { return nil }
            var following = state
            let zxid = told.first.map { Zxid.known($0) } ?? state.unansweredZxid
            following.newest = told.first ?? state.newest
            for (change, seen) in zip(changes, seen) {
                if refusal(of: change, in: following.nodes) != nil { return nil }
                make(change, at: zxid, in: &following.nodes)
                switch (change, seen) {
                case (.create(let slot, _), let seen?), (.set(let slot, _, _), let seen?):
                    guard let node = following.nodes[slot], shows(node, seen) else { return nil }
                    following.learn(node.created, seen.created)
                case (.delete, nil), (.check, nil): break
                case (.create, nil), (.set, nil), (.delete, _?), (.check, _?): return nil
                }
            }
            return following
        }
    }

    private static func refusal(of change: Change, in nodes: [Node?]) -> ErrorCode? {
        switch change {
        case .create(let slot, _): return nodes[slot] == nil ? nil : .nodeExists
        case .set(let slot, _, let version), .delete(let slot, let version), .check(let slot, let version):
            guard let node = nodes[slot] else { return .noNode }
            return version == -1 || version == node.version ? nil : .badVersion
        }
    }

    private static func make(_ change: Change, at zxid: Zxid, in nodes: inout [Node?]) {
        switch change {
        case .create(let slot, let value): nodes[slot] = Node(value: value, created: zxid, modified: zxid)
        case .set(let slot, let value, _):
            guard var node = nodes[slot] else { return }
            node.value = value
            node.version &+= 1
            node.modified = zxid
            nodes[slot] = node
        case .delete(let slot, _): nodes[slot] = nil
        case .check: break
        }
    }
}

extension ZnodeModel.State {
    /// What is known of the zxid of a change that is made now and whose answer nobody saw.
    fileprivate var unansweredZxid: ZnodeModel.Zxid { .after(newest, unanswered: unanswered) }

    /// An answer told the zxid of a change; it is that of everything which this change made.
    fileprivate mutating func learn(_ zxid: ZnodeModel.Zxid, _ actual: Int64) {
        newest = max(newest, actual)
        guard case .after = zxid else { return }
        for slot in nodes.indices {
            if nodes[slot]?.created == zxid { nodes[slot]?.created = .known(actual) }
            if nodes[slot]?.modified == zxid { nodes[slot]?.modified = .known(actual) }
        }
    }
}
