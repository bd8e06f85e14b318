import DequeModule
import Primitives
import SparkplugB

/// All edge nodes that this process has heard of, by number; what their last messages have released; and which of them are to be
/// asked for a birth.
///
/// Every gateway asks for the births that it lacks itself. The one that asks first spares the others most of it: a birth serves
/// all.
///
/// Sessions have the clock without leaps: setting the clock changes nothing of how long a message waits.
struct EdgeNodes: Sendable {
    private(set) var nodes: ContiguousArray<EdgeNode> = []
    private var numberOfKey: [[UInt8]: Int] = [:]
    let limits: EdgeNodeLimits
    /// What the session that was called last has said.
    var events: ContiguousArray<EdgeNodeEvent> = []
    /// What is to be taken of it, and of those before it.
    var releases: ContiguousArray<EdgeRelease> = []
    var samples: ContiguousArray<Sample> = []
    var staleTags: ContiguousArray<TagID> = []
    /// Whether this gateway is the one that asks first.
    private var asksFirst = false
    /// Edge nodes that are to be asked, in the order in which that became due.
    private var line: Deque<Int> = []
    private let seed: UInt64
    private var allowance: RebirthAllowance
    /// When a session is due, without leaps.
    private var nextDeadline: Milliseconds = .max
    private var leap: Milliseconds = 0
    /// What all sessions' tables take, in bytes.
    private(set) var footprint = 0
    private var births: UInt64 = 0
    private var rebirthsRequested: UInt64 = 0
    /// Metrics that a session has taken and that get no tag here.
    var refusedTags: UInt64 = 0
    /// Values about the past, which have no place here.
    var historical: UInt64 = 0

    /// - Parameter seed: differs from gateway to gateway, so that those that ask later do not ask together.
    init(limits: EdgeNodeLimits, seed: UInt64) {
        self.limits = limits
        self.seed = seed
        allowance = RebirthAllowance(perSecond: limits.rebirthsPerSecond)
    }

    var count: Int { nodes.count }

    var isFull: Bool { nodes.count >= limits.edgeNodes || footprint >= limits.bytes }

    subscript(number: Int) -> EdgeNode {
        _read { yield nodes[number] }
        _modify { yield &nodes[number] }
    }

    /// Counters, by name.
    var numbers: [(name: String, value: UInt64)] {
        guard !nodes.isEmpty else { return [] }
        let counters = nodes.lazy.map(\.session.counters)
        return [
            ("edgeNodes", UInt64(clamping: nodes.count)), ("births", births),
            ("rebirthsRequested", rebirthsRequested), ("reordered", counters.reduce(0) { $0 &+ $1.healedGaps }),
            ("sequenceGaps", counters.reduce(0) { $0 &+ $1.gaps }),
            ("refusedMetrics", counters.reduce(refusedTags) { $0 &+ $1.refusals }), ("historicalValues", historical),
        ]
    }

    // MARK: edge nodes

    func number(of key: [UInt8]) -> Int? { numberOfKey[key] }

    /// - Parameter key: names the edge node: its route, group and id.
    mutating func insert(_ key: [UInt8], route: Int, group: String, edge: String, path: TagPath) -> Int? {
        guard !isFull else { return nil }
        let session = EdgeNodeSession(seed: StableHash.fnv1a(key) ^ seed, asksFirst: asksFirst)
        nodes.append(EdgeNode(route: route, group: group, edge: edge, path: path, session: session))
        numberOfKey[key] = nodes.count - 1
        return nodes.count - 1
    }

    // MARK: what a session hears

    /// Fills ``events``.
    mutating func received(
        _ number: Int, _ type: SparkplugMessageType, device: borrowing Span<UInt8>, _ payload: borrowing Span<UInt8>,
        at now: Milliseconds
    ) {
        if type == .nodeBirth || type == .deviceBirth { births &+= 1 }
        nodes[number].session.isClosed = footprint >= limits.bytes
        nodes[number].session.received(type, device: device, payload, at: now &- leap, into: &events)
        noteCall(of: number)
    }

    /// Whether a session is due.
    func isDue(at now: Milliseconds) -> Bool { nextDeadline <= now &- leap }

    /// The sessions that are due.
    func due(at now: Milliseconds) -> [Int] {
        nodes.indices.filter { nodes[$0].session.deadline.map { $0 <= now &- leap } ?? false }
    }

    /// Fills ``events``.
    mutating func advance(_ number: Int, to now: Milliseconds) {
        nodes[number].session.isClosed = footprint >= limits.bytes
        nodes[number].session.advance(to: now &- leap, into: &events)
        noteCall(of: number)
    }

    /// Fills ``events``.
    mutating func connectionLost(_ number: Int, at now: Milliseconds) {
        nodes[number].session.connectionLost(at: now &- leap, into: &events)
        noteCall(of: number)
    }

    mutating func connectionRegained(at now: Milliseconds) {
        for number in nodes.indices { nodes[number].session.connectionRegained(at: now &- leap) }
        noteDeadlines()
    }

    mutating func clockLeapt(by leap: Milliseconds) { self.leap = self.leap &+ leap }

    /// A moment of a session by the wall clock.
    func wall(_ moment: Milliseconds) -> Milliseconds { moment &+ leap }

    private mutating func noteCall(of number: Int) {
        nodes[number].makePlaces()
        let footprint = nodes[number].session.footprint
        self.footprint += footprint - nodes[number].footprint
        nodes[number].footprint = footprint
        noteDeadline(of: number)
    }

    private mutating func noteDeadline(of number: Int) {
        if let deadline = nodes[number].session.deadline { nextDeadline = min(nextDeadline, deadline) }
    }

    mutating func noteDeadlines() { nextDeadline = nodes.lazy.compactMap(\.session.deadline).min() ?? .max }

    // MARK: rebirths

    /// A rebirth request to an edge node is due.
    mutating func rebirthIsDue(_ number: Int) {
        guard !nodes[number].isInLine else { return }
        nodes[number].isInLine = true
        line.append(number)
    }

    /// Whether this gateway is the one that asks first.
    mutating func asksFirst(_ asksFirst: Bool, at now: Milliseconds) {
        guard asksFirst != self.asksFirst else { return }
        self.asksFirst = asksFirst
        for number in nodes.indices {
            nodes[number].session.precedenceChanged(asksFirst: asksFirst, at: now &- leap)
        }
        noteDeadlines()
    }

    /// The next request that is to be sent now, as far as the allowance goes; it counts as sent. An edge node that has been born
    /// meanwhile is not asked.
    mutating func takeRebirth(at now: Milliseconds) -> RebirthRequest? {
        while let number = line.first {
            let session = nodes[number].session
            guard session.isRebirthDue, let reason = session.wantedBirth else {
                leaveLine()
                continue
            }
            guard allowance.take(at: now &- leap) else { return nil }
            leaveLine()
            nodes[number].session.rebirthSent(at: now &- leap)
            noteDeadline(of: number)
            rebirthsRequested &+= 1
            return RebirthRequest(group: nodes[number].group, edge: nodes[number].edge, reason: reason)
        }
        return nil
    }

    private mutating func leaveLine() {
        let number = line.removeFirst()
        nodes[number].isInLine = false
    }
}
