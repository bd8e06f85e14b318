import JSON
import OrderedCollections
import Primitives
import TestFixtures
import Testing

@testable import Plant

/// A gateway as far as it delivers by MQTT, at one journal with others.
private protocol DeliveringGateway {
    /// What this gateway writes when it records.
    func entry(of transition: ProposedTransition) -> [UInt8]
    mutating func read(_ sequence: Int64, _ node: JournalNodes.Node) throws
    /// Publishes at most so many events, each acknowledged at once. For the active one only.
    mutating func publish(limit: Int) -> [Int64]
    /// Writes at most so many marks. For the active one only.
    mutating func mark(_ tree: inout JournalNodes, limit: Int)
    var held: Set<Int64> { get }
}

/// A gateway of the version that knew `announced` alone: it keeps the members that it does not know as it first read them,
/// and writes its mark over whatever stands there.
private struct OlderGateway: DeliveringGateway {
    private var owed: [Int64: JSONValue] = [:]
    private var settled: [Int64: JSONValue] = [:]
    private var finished: Set<Int64> = []

    func entry(of transition: ProposedTransition) -> [UInt8] {
        guard case .object(var members) = JournalEntry(transition, gateway: "older", owedBy: []).json else { return [] }
        members["announced"] = false
        return JSONValue.object(members).serialized()
    }

    mutating func read(_ sequence: Int64, _ node: JournalNodes.Node) throws {
        let json = try JSONValue(parsing: node.data)
        if json["announced"]?.boolValue == false {
            guard owed[sequence] == nil, settled[sequence] == nil, !finished.contains(sequence) else { return }
            owed[sequence] = json
        } else {
            owed[sequence] = nil
            settled[sequence] = nil
        }
    }

    mutating func publish(limit: Int) -> [Int64] {
        let sequences = Array(owed.keys.sorted().prefix(limit))
        for sequence in sequences { settled[sequence] = owed.removeValue(forKey: sequence) }
        return sequences
    }

    mutating func mark(_ tree: inout JournalNodes, limit: Int) {
        for (sequence, json) in settled.sorted(by: { $0.key < $1.key }).prefix(limit) {
            guard case .object(var members) = json else { continue }
            members["announced"] = true
            _ = tree.set(sequence, JSONValue.object(members).serialized(), version: nil)
            settled[sequence] = nil
            finished.insert(sequence)
        }
    }

    var held: Set<Int64> { Set(owed.keys).union(settled.keys) }
}

/// A gateway of this version.
private struct PresentGateway: DeliveringGateway {
    private var ledger = DeliveryLedger(channels: [.mqtt])
    private var announcements: Announcements = {
        var announcements = Announcements()
        announcements.connected(at: 0)
        return announcements
    }()

    func entry(of transition: ProposedTransition) -> [UInt8] {
        JournalEntry(transition, gateway: "present", owedBy: [.mqtt]).serialized()
    }

    mutating func read(_ sequence: Int64, _ node: JournalNodes.Node) throws {
        let entry = try JournalEntry(parsing: node.data)
        guard let transition = try entry.alarmTransition() else { return }
        for notice in ledger.entryRead(sequence, entry, version: node.version) {
            switch notice {
            case .owed: announcements.entryOwed(sequence, transition, at: 0)
            case .settledElsewhere(_, let delivery): announcements.entrySettled(sequence, as: delivery)
            }
        }
    }

    mutating func publish(limit: Int) -> [Int64] {
        var sequences: [Int64] = []
        while sequences.count < limit, let publication = announcements.next(limit: 1, at: 0).first {
            if case .event(let sequence, _) = publication.content { sequences.append(sequence) }
            announcements.ended(publication, .acknowledged, at: 0)
        }
        return sequences
    }

    mutating func mark(_ tree: inout JournalNodes, limit: Int) {
        for settlement in announcements.takeSettled() {
            ledger.settled(settlement.sequence, by: .mqtt, as: settlement.delivery)
        }
        for mark in ledger.marks(limit: limit) {
            if tree.set(mark.sequence, mark.entry.serialized(), version: mark.version) {
                ledger.marked([mark])
            } else if let node = tree[mark.sequence] {
                try? read(mark.sequence, node)
            }
        }
    }

    var held: Set<Int64> { ledger.heldSequences }
}

@Suite("Gateways of two versions at one journal")
struct MixedVersionWalkTests {
    /// Gateways of both versions take over from each other at random moments, with and without their memory: nothing that
    /// the journal says is delivered is published again, and everything is published.
    @Test("Each hands over to the other correctly", arguments: 0..<24)
    func walk(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        var tree = JournalNodes()
        var gateways: [any DeliveringGateway] = [OlderGateway(), PresentGateway(), OlderGateway(), PresentGateway()]
        var unread: [Set<Int64>] = Array(repeating: [], count: gateways.count)
        var active = 0
        var next: Int64 = 0
        var heard: Set<Int64> = []
        var marked: Set<Int64> = []
        var versions: [Int64: Int] = [:]
        var repetitions = 0

        /// Notes what the journal calls delivered, in either form. Nothing is ever called owed again.
        func look() throws {
            for (sequence, nodes) in tree.nodes where versions[sequence] != nodes.count {
                versions[sequence] = nodes.count
                let isDelivered = try tree.entry(sequence)?.deliveries[.mqtt] == .delivered
                #expect(isDelivered || !marked.contains(sequence), "\(sequence) is owed again, seed \(seed)")
                if isDelivered { marked.insert(sequence) }
            }
        }
        /// A new processor reads what it has not applied, and again what it holds.
        func catchUp(_ index: Int) throws {
            for sequence in unread[index].union(gateways[index].held).sorted() {
                if let node = tree[sequence] { try gateways[index].read(sequence, node) }
            }
            unread[index] = []
        }
        func takeOver() throws {
            if random.chance(50) {
                gateways[active] = gateways[active] is OlderGateway ? OlderGateway() : PresentGateway()
                unread[active] = Set(tree.nodes.keys)
            }
            active = Int.random(in: gateways.indices, using: &random)
            try catchUp(active)
        }
        func publish() throws {
            for sequence in gateways[active].publish(limit: 3) {
                #expect(!marked.contains(sequence), "\(sequence) again, seed \(seed)")
                if !heard.insert(sequence).inserted { repetitions += 1 }
            }
        }

        for _ in 0..<240 {
            if random.chance(25) {
                let transition = try DeliveryFixture.transition(next + 1)
                tree.create(next, gateways[active].entry(of: transition))
                for index in gateways.indices { unread[index].insert(next) }
                try catchUp(active)
                next += 1
            }
            // A standby hears of entries and of marks, sooner or later.
            let standby = Int.random(in: gateways.indices, using: &random)
            if random.chance(30) { try catchUp(standby) }
            if random.chance(50) { try publish() }
            if random.chance(30) {
                gateways[active].mark(&tree, limit: 2)
                try look()
            }
            if random.chance(8) { try takeOver() }
        }
        for _ in 0..<next + 10 {
            if random.chance(10) { try takeOver() }
            try publish()
            gateways[active].mark(&tree, limit: 2)
            try look()
        }
        for _ in 0..<next { gateways[active].mark(&tree, limit: 10) }
        try look()
        #expect(heard == Set(0..<next), "seed \(seed)")
        #expect(marked == Set(0..<next), "seed \(seed)")
        // Both versions agree on it, also when the older one wrote last.
        for sequence in 0..<next {
            let json = try JSONValue(parsing: try #require(tree[sequence]).data)
            #expect(json["announced"]?.boolValue == true)
        }
        // A takeover between a message and its mark repeats it, and nothing else does.
        #expect(repetitions < next)
    }
}
