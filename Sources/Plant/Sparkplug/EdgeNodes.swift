import DequeModule
import Primitives
import SparkplugB

/// All edge nodes that this process has heard of, by number; what their last messages have released; and which of them are to be
/// asked for a birth.
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
    /// Whether this gateway is the one that asks.
    private var isActive = false
    /// Edge nodes that wait to be asked, in the order in which they began to.
    private var wishes: Deque<Int> = []
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

    init(limits: EdgeNodeLimits) {
        self.limits = limits
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
        let session = EdgeNodeSession(seed: StableHash.fnv1a(key), isActive: isActive)
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
        if let deadline = nodes[number].session.deadline { nextDeadline = min(nextDeadline, deadline) }
    }

    mutating func noteDeadlines() { nextDeadline = nodes.lazy.compactMap(\.session.deadline).min() ?? .max }

    // MARK: rebirths

    /// An edge node is to be asked for a birth.
    mutating func wantBirth(of number: Int, _ reason: RebirthReason) {
        guard isActive else { return }
        if nodes[number].wish == nil { wishes.append(number) }
        nodes[number].wish = reason
    }

    /// Whether this gateway is the one that asks.
    mutating func asks(_ isActive: Bool, at now: Milliseconds) {
        guard isActive != self.isActive else { return }
        self.isActive = isActive
        for number in nodes.indices {
            nodes[number].session.ownershipChanged(isActive: isActive, at: now &- leap)
            nodes[number].wish = nil
        }
        wishes.removeAll()
        noteDeadlines()
    }

    /// The edge nodes that are to be asked now, as far as the allowance goes. One that has been born meanwhile is not asked.
    mutating func takeRebirths(at now: Milliseconds) -> [RebirthRequest] {
        var requests: [RebirthRequest] = []
        while let number = wishes.first {
            guard let reason = nodes[number].wish, nodes[number].session.isBirthWanted else {
                nodes[number].wish = nil
                wishes.removeFirst()
                continue
            }
            guard allowance.take(at: now &- leap) else { break }
            nodes[number].wish = nil
            wishes.removeFirst()
            requests.append(RebirthRequest(group: nodes[number].group, edge: nodes[number].edge, reason: reason))
        }
        rebirthsRequested &+= UInt64(requests.count)
        return requests
    }
}
