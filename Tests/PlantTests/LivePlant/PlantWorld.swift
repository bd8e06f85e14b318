import TestFixtures
import Testing

@testable import Plant

/// Several gateways' plants between one broker and one tree, without anything of either but their promises.
///
/// The broker keeps for every gateway, in order, what it has not acknowledged, and delivers that again after a restart;
/// the tree takes writes from the owner of the tag and the active processor alone. A gateway acknowledges only what is
/// durable; one that does not own the tag, what its owner has written. (A real one does not know that and takes it for
/// granted: the named exception for gateways that die together.) Gateways are killed and paused at any moment.
struct PlantWorld {
    enum Item {
        case sample(PlainEvaluation.Point, number: Int)
        case echo(Milliseconds)
    }

    struct Gateway {
        /// nil while it is not running.
        var plant: LivePlant?
        var isPaused = false
        /// What the broker keeps for it; the first `read` of them have been read.
        var queue: [Item] = []
        var read = 0
        /// The newest sample that it has read.
        var newest = 0
        /// Position in the journal.
        var seen = 0
    }

    let definition: AlarmDefinition
    let path: AlarmPath
    var gateways: [Gateway]
    /// Which gateway writes the tag, and which records; nil while nobody does.
    var owner: Int?
    var active: Int?
    var node: [UInt8]?
    var record: AlarmRecord?
    var journal: [ProposedTransition] = []
    var now: Milliseconds
    var log: [String] = []
    private var published = 0
    /// The newest sample that an owner has written.
    private var written = 0

    private let route: RouteDefinition
    private let topic: [UInt8]

    init(definition: AlarmDefinition, gateways count: Int, at now: Milliseconds) throws {
        self.definition = definition
        self.now = now
        path = try AlarmFixture.path()
        topic = Array(path.tag.text.utf8)
        route = try RouteDraft(
            name: "machines", topic: "factory/{line}/{machine}/{metric}", device: "factory/{line}/{machine}",
            value: "/v", time: "/ts"
        ).checked()
        gateways = Array(repeating: Gateway(), count: count)
        for gateway in gateways.indices { try start(gateway) }
        owner = 0
        active = 0
    }

    var running: [Int] { gateways.indices.filter { gateways[$0].plant != nil } }

    // MARK: The broker

    mutating func publish(_ point: PlainEvaluation.Point) {
        published += 1
        for gateway in gateways.indices { gateways[gateway].queue.append(.sample(point, number: published)) }
    }

    /// The gateway reads up to that many of the messages that are kept for it.
    mutating func hear(_ gateway: Int, count: Int) {
        guard gateways[gateway].plant != nil else { return }
        var count = count
        while count > 0, gateways[gateway].read < gateways[gateway].queue.count {
            count -= 1
            let item = gateways[gateway].queue[gateways[gateway].read]
            gateways[gateway].read += 1
            switch item {
            case .sample(let point, let number):
                gateways[gateway].newest = max(gateways[gateway].newest, number)
                let payload = Array(#"{"v":\#(point.value),"ts":\#(point.time)}"#.utf8)
                var effects = LivePlant.Effects()
                let topic = topic
                let now = now
                log.append("\(now): g\(gateway) hears \(point.value) of \(point.time)")
                gateways[gateway].plant?.messageReceived(
                    topic: topic.span, payload: payload.span, retained: false, receivedAt: now, effects: &effects)
            case .echo(let time):
                log.append("\(now): g\(gateway) has heard through \(time)")
                _ = gateways[gateway].plant?.heard(through: time, at: now)
            }
        }
    }

    /// The gateway asks for proof if it wants any, or now and then, as its shell does.
    mutating func ask(_ gateway: Int, always: Bool = false) {
        guard always || gateways[gateway].plant?.wantsProof(at: now) == true else { return }
        let read = gateways[gateway].read
        let isAsked = gateways[gateway].queue[read...].contains { item in
            if case .echo = item { true } else { false }
        }
        if !isAsked { gateways[gateway].queue.append(.echo(now)) }
    }

    private mutating func acknowledge(_ gateway: Int) {
        let durable = gateways[gateway].queue.prefix(gateways[gateway].read).prefix { item in
            if case .sample(_, let number) = item { number <= written } else { true }
        }.count
        gateways[gateway].queue.removeFirst(durable)
        gateways[gateway].read -= durable
    }

    // MARK: The tree

    /// The gateway writes what it owns, records what it may, and acknowledges what is durable then.
    ///
    /// - Parameter steps: it is killed after so many of: the values, each transition, the acknowledgement.
    mutating func turn(_ gateway: Int, dyingAfter steps: Int = .max) {
        guard gateways[gateway].plant != nil else { return }
        var left = steps
        func goesOn() -> Bool {
            left -= 1
            return left >= 0
        }
        guard goesOn() else { return kill(gateway) }
        if owner == gateway, let writes = gateways[gateway].plant?.takeChanged(ownedBy: .max, limit: 100) {
            for write in writes {
                node = write.data
                log.append("\(now): g\(gateway) writes \(String(decoding: write.data, as: UTF8.self))")
            }
            gateways[gateway].plant?.written(writes)
            written = max(written, gateways[gateway].newest)
        }
        if active == gateway {
            for proposal in gateways[gateway].plant?.proposals(limit: 100, epoch: 1) ?? [] {
                guard goesOn() else { return kill(gateway) }
                #expect(proposal.previousRevision == record?.revision ?? 0, "\(story)")
                record = proposal.record
                journal.append(proposal)
                log.append("\(now): g\(gateway) records \(Step(proposal))")
            }
            see(gateway)
        }
        guard goesOn() else { return kill(gateway) }
        if gateways[gateway].plant?.pendingTransitionCount == 0 { acknowledge(gateway) }
    }

    mutating func see(_ gateway: Int) {
        for entry in journal[gateways[gateway].seen...] {
            gateways[gateway].plant?.transitionRecorded(entry.record, isOurs: active == gateway, at: now)
        }
        gateways[gateway].seen = journal.count
    }

    // MARK: Faults

    mutating func kill(_ gateway: Int) {
        log.append("\(now): g\(gateway) killed")
        gateways[gateway].plant = nil
        gateways[gateway].read = 0
        gateways[gateway].newest = 0
        // An echo to an earlier life proves nothing.
        gateways[gateway].queue.removeAll { if case .echo = $0 { true } else { false } }
        if owner == gateway { owner = nil }
        if active == gateway { active = nil }
    }

    mutating func start(_ gateway: Int) throws {
        log.append("\(now): g\(gateway) starts")
        var plant = try LivePlant(routes: [route], alarms: [definition])
        if let node { plant.seedTag(znodePath: path.tag.znodePath, data: node, at: now) }
        if let record { plant.restoreAlarms([record], at: now) }
        gateways[gateway].plant = plant
        gateways[gateway].seen = journal.count
    }

    /// The roles that nobody has go to gateways that run, which first read what the tree has.
    mutating func takeOver(owner newOwner: Int, active newActive: Int) {
        if owner == nil, gateways[newOwner].plant != nil {
            owner = newOwner
            if let node, let tag = gateways[newOwner].plant?.tagsInTree(ofShards: .max).first?.tag {
                let nodes: [LivePlant.TagNode] = [(tag, node)]
                gateways[newOwner].plant?.reconcile(
                    shards: .max, nodes: nodes, records: LivePlant.records(nodes, at: now), at: now)
            }
        }
        if active == nil, gateways[newActive].plant != nil {
            active = newActive
            see(newActive)
            if let record { gateways[newActive].plant?.restoreAlarms([record], at: now) }
        }
    }

    var story: String { "\(definition)\n\(log.joined(separator: "\n"))" }
}
