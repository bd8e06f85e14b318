import DequeModule
import HeapModule
import Primitives
import SparkplugB

/// All edge nodes that this process has heard of, by number; what their last messages have released; and which of them are to be
/// asked for a birth.
///
/// Every gateway asks for the births that it lacks itself. The one that asks first spares the others most of it: a birth serves
/// all. Only one that has just been started waits for nobody.
///
/// A message costs as much as it says, however many edge nodes there are: what concerns all of them is kept in sums and in a heap.
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
    /// When sessions may be due.
    private(set) var deadlines = Heap<EdgeNodeDeadline>()
    private var leap: Milliseconds = 0
    /// What all sessions take, in bytes.
    private(set) var footprint = 0
    private var totals = EdgeNodeTotals()
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
        return [
            ("edgeNodes", UInt64(clamping: nodes.count)), ("births", births),
            ("rebirthsRequested", rebirthsRequested), ("reordered", totals.healedGaps), ("sequenceGaps", totals.gaps),
            ("refusedMetrics", refusedTags &+ totals.refusals), ("historicalValues", historical),
        ]
    }

    // MARK: edge nodes

    /// What names an edge node.
    static func key(route: Int, group: String, edge: String) -> [UInt8] { Array("\(route)/\(group)/\(edge)".utf8) }

    func number(of key: [UInt8]) -> Int? { numberOfKey[key] }

    /// - Parameter key: see ``key(route:group:edge:)``.
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

    /// Whether a session may be due.
    func isDue(at now: Milliseconds) -> Bool { deadlines.min.map { $0.time <= now &- leap } ?? false }

    /// The sessions that are due, which the caller advances.
    mutating func due(at now: Milliseconds) -> [Int] {
        let moment = now &- leap
        var due: [Int] = []
        while let first = deadlines.min, first.time <= moment {
            deadlines.removeMin()
            // An earlier one has taken its place.
            guard nodes[first.number].queuedDeadline == first.time else { continue }
            nodes[first.number].queuedDeadline = .max
            guard let deadline = nodes[first.number].session.deadline else { continue }
            if deadline <= moment { due.append(first.number) } else { noteDeadline(of: first.number) }
        }
        return due.sorted()
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
        for number in nodes.indices {
            nodes[number].session.connectionRegained(at: now &- leap)
            noteDeadline(of: number)
        }
    }

    mutating func clockLeapt(by leap: Milliseconds) { self.leap = self.leap &+ leap }

    /// A moment of a session by the wall clock.
    func wall(_ moment: Milliseconds) -> Milliseconds { moment &+ leap }

    private mutating func noteCall(of number: Int) {
        nodes[number].makePlaces()
        let footprint = nodes[number].session.footprint
        self.footprint += footprint - nodes[number].footprint
        nodes[number].footprint = footprint
        let counted = EdgeNodeTotals(nodes[number].session.counters)
        totals.add(counted, since: nodes[number].counted)
        nodes[number].counted = counted
        noteDeadline(of: number)
    }

    private mutating func noteDeadline(of number: Int) {
        guard let deadline = nodes[number].session.deadline, deadline < nodes[number].queuedDeadline else { return }
        nodes[number].queuedDeadline = deadline
        deadlines.insert(EdgeNodeDeadline(time: deadline, number: number))
        // Those whose place has been taken go when they are many.
        guard deadlines.count > 2 * nodes.count + 64 else { return }
        var kept: [EdgeNodeDeadline] = []
        for (number, node) in nodes.enumerated() where node.queuedDeadline != .max {
            kept.append(EdgeNodeDeadline(time: node.queuedDeadline, number: number))
        }
        deadlines = Heap(kept)
    }

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
            noteDeadline(of: number)
        }
    }

    /// The next request that is to be sent now, as far as the allowance goes; it counts as sent. An edge node that has been born
    /// meanwhile is not asked.
    mutating func takeRebirth(at now: Milliseconds) -> RebirthRequest? {
        while let number = line.first {
            guard nodes[number].session.isRebirthDue, let reason = nodes[number].session.wantedBirth else {
                leaveLine()
                continue
            }
            guard allowance.take(at: now &- leap) else { return nil }
            leaveLine()
            nodes[number].session.rebirthSent(at: now &- leap)
            noteDeadline(of: number)
            rebirthsRequested &+= 1
            return RebirthRequest(
                group: nodes[number].group, edge: nodes[number].edge, reason: reason, number: number)
        }
        return nil
    }

    /// A request that was taken could not be sent.
    mutating func rebirthFailed(_ request: RebirthRequest, at now: Milliseconds) {
        guard nodes.indices.contains(request.number) else { return }
        nodes[request.number].session.rebirthFailed(at: now &- leap)
        noteDeadline(of: request.number)
        if rebirthsRequested > 0 { rebirthsRequested -= 1 }
    }

    private mutating func leaveLine() {
        let number = line.removeFirst()
        nodes[number].isInLine = false
    }
}
