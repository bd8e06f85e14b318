import TestFixtures
import Testing

@testable import Plant

/// Several books in front of one tree and one journal: what the gateways of a plant do with their alarms, without the
/// gateways.
///
/// Every gateway hears the whole stream, each at its own pace; one at a time is active and commits; all see the journal
/// late, repeated, and not always in order. The tree refuses what a real one would: a write by somebody who is not
/// active, or one that does not follow from what it holds.
struct AlarmCluster {
    struct Gateway {
        var book: AlarmBook
        /// Position in the stream: samples before it have been delivered.
        var heard = 0
        /// Position in the journal.
        var seen = 0
        /// How much later than the source this gateway receives each sample.
        var latency: Milliseconds
    }

    let definition: AlarmDefinition
    let path: AlarmPath
    let points: [PlainEvaluation.Point]
    let hasSourceTime: Bool
    var gateways: [Gateway] = []
    var active = 0
    var epoch: Int64 = 1
    var tree: AlarmRecord?
    var journal: [ProposedTransition] = []
    var log: [String] = []

    init(
        definition: AlarmDefinition, points: [PlainEvaluation.Point], gateways count: Int, hasSourceTime: Bool = true,
        latencies: [Milliseconds] = []
    ) throws {
        self.definition = definition
        self.points = points
        self.hasSourceTime = hasSourceTime
        path = try AlarmFixture.path()
        for index in 0..<count {
            let latency = index < latencies.count ? latencies[index] : 0
            gateways.append(Gateway(book: try AlarmFixture.book(definition), latency: latency))
        }
    }

    /// Gives a gateway its next samples.
    mutating func hear(_ gateway: Int, count: Int = 1) {
        for _ in 0..<count where gateways[gateway].heard < points.count {
            deliver(points[gateways[gateway].heard], to: gateway)
            gateways[gateway].heard += 1
        }
    }

    /// Gives a gateway its last sample once more, as QoS 1 may.
    mutating func hearAgain(_ gateway: Int) {
        guard gateways[gateway].heard > 0 else { return }
        deliver(points[gateways[gateway].heard - 1], to: gateway)
    }

    private mutating func deliver(_ point: PlainEvaluation.Point, to gateway: Int) {
        _ = gateways[gateway].book.sampleReceived(
            tag: TagID(rawValue: 0), value: point.value, quality: .good, sourceTime: point.time,
            hasSourceTime: hasSourceTime, receivedTime: point.time + gateways[gateway].latency)
    }

    /// Shows a gateway journal entries up to a position.
    mutating func see(_ gateway: Int, upTo position: Int, at now: Milliseconds = 0) {
        while gateways[gateway].seen < min(position, journal.count) {
            gateways[gateway].book.transitionRecorded(journal[gateways[gateway].seen].record, at: now)
            gateways[gateway].seen += 1
        }
    }

    /// Shows a gateway one entry, out of order or again.
    mutating func glimpse(_ gateway: Int, _ position: Int, at now: Milliseconds = 0) {
        gateways[gateway].book.transitionRecorded(journal[position].record, at: now)
    }

    /// The active gateway commits; with `dies` it does not live to hear of its last commit.
    mutating func commit(limit: Int, dies: Bool = false, at now: Milliseconds = 0) {
        let proposals = gateways[active].book.proposals(limit: limit, epoch: epoch)
        for (index, proposal) in proposals.enumerated() {
            record(proposal)
            if dies, index == proposals.count - 1 { return }
            gateways[active].book.transitionRecorded(proposal.record, at: now)
        }
    }

    mutating func record(_ proposal: ProposedTransition) {
        #expect(proposal.previousRevision == tree?.revision ?? 0, "\(proposal.key) after \(String(describing: tree))")
        if let tree {
            #expect(
                proposal.transition == .acknowledged
                    ? proposal.record.changedAt == tree.changedAt : proposal.record.changedAt > tree.changedAt,
                "\(proposal.key) after \(tree)")
        }
        tree = proposal.record
        journal.append(proposal)
        log.append("g\(active) commits \(Step(proposal))")
    }

    /// Another gateway is elected and reads the tree, and before it what it has not yet seen of the journal if it does.
    mutating func elect(_ gateway: Int, at now: Milliseconds = 0, readsJournal: Bool = false) {
        active = gateway
        if readsJournal { see(gateway, upTo: journal.count, at: now) }
        epoch += 1
        log.append("g\(gateway) elected")
        if let tree { gateways[gateway].book.restore([tree], at: now) }
    }

    /// A gateway starts anew; the broker has kept for it what follows `position`.
    mutating func restart(_ gateway: Int, from position: Int, at now: Milliseconds = 0) throws {
        gateways[gateway].book = try AlarmFixture.book(definition)
        if let tree { gateways[gateway].book.restore([tree], at: now) }
        gateways[gateway].heard = min(position, gateways[gateway].heard)
        log.append("g\(gateway) restarted, heard \(gateways[gateway].heard)")
    }

    /// Everybody hears and sees everything, every delay runs out, and the active gateway records what is left.
    mutating func finish() {
        for gateway in gateways.indices { hear(gateway, count: points.count) }
        for _ in 0..<3 {
            for gateway in gateways.indices { gateways[gateway].book.advance(to: 100_000_000) }
            commit(limit: .max)
            for gateway in gateways.indices { see(gateway, upTo: journal.count) }
        }
    }

    /// How many samples the record has settled: a gateway that starts without them misses nothing.
    var settled: Int {
        guard let tree else { return 0 }
        return points.firstIndex { $0.time > tree.sampledAt } ?? points.count
    }

    /// What the journal says about the process; acknowledgements come from elsewhere.
    var outcomes: [PlainEvaluation.Outcome] {
        journal.filter { $0.transition != .acknowledged }.map(PlainEvaluation.Outcome.init)
    }

    var story: String {
        "\(definition)\n\(points.map { "\($0.time):\($0.value)" })\n\(log.joined(separator: "\n"))"
    }
}
