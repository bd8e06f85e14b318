import Primitives
import TestFixtures
import Testing

@testable import Plant

@Suite("Delivery ledger: random walks")
struct DeliveryLedgerWalkTests {
    private static let known: [Channel] = [.mqtt, .pager]

    /// One gateway with two channels, and others that write into the same entries: its marks go through, are refused, or go
    /// through without an answer; what it reads may be old. What was settled stays settled, what others wrote stays written,
    /// nobody hears twice that it owes an entry, and in the end the journal knows everything.
    @Test("No outcome is lost, in whatever order gateways write", arguments: 0..<24)
    func walk(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        var tree = JournalNodes()
        var ledger = DeliveryLedger(channels: Self.known)
        var told: Set<[String]> = []
        var owed: [Channel: Set<Int64>] = [.mqtt: [], .pager: []]
        var truth: [Int64: [Channel: Delivery]] = [:]
        var next: Int64 = 0

        func read(_ sequence: Int64, _ node: JournalNodes.Node) throws {
            let entry = try JournalEntry(parsing: node.data)
            for notice in ledger.entryRead(sequence, entry, version: node.version) {
                switch notice {
                case .owed(let channel):
                    #expect(told.insert(["\(sequence)", channel.rawValue]).inserted, "owed twice, seed \(seed)")
                    #expect(truth[sequence]?[channel] == nil, "owed although settled, seed \(seed)")
                    owed[channel]?.insert(sequence)
                case .settledElsewhere(let channel, _): owed[channel]?.remove(sequence)
                }
            }
        }
        func settle(_ channel: Channel, _ sequence: Int64) {
            guard owed[channel]?.remove(sequence) != nil else { return }
            let delivery: Delivery = random.chance(80) ? .delivered : .givenUp(.refused)
            truth[sequence, default: [:]][channel] = delivery
            ledger.settled(sequence, by: channel, as: delivery)
        }
        func write(_ mark: DeliveryLedger.Mark) throws -> Bool {
            let before = try tree.entry(mark.sequence)
            guard tree.set(mark.sequence, mark.entry.serialized(), version: mark.version) else { return false }
            for channel in Self.known + [.siren] where before?.deliveries[channel]?.isSettled == true {
                #expect(mark.entry.deliveries[channel]?.isSettled == true, "\(channel) lost, seed \(seed)")
            }
            #expect(mark.entry.deliveries[.siren] == before?.deliveries[.siren], "not ours, seed \(seed)")
            return true
        }
        func turn() throws {
            let marks = ledger.marks(limit: 3)
            // Something happens while they are on their way.
            if let mark = marks.first, random.chance(30) { settle(.pager, mark.sequence) }
            var written: [DeliveryLedger.Mark] = []
            for mark in marks {
                if try write(mark) {
                    if random.chance(80) { written.append(mark) }
                } else if let node = tree[mark.sequence] {
                    try read(mark.sequence, node)
                } else {
                    ledger.entryRemoved(mark.sequence)
                }
            }
            ledger.marked(written)
        }

        for _ in 0..<400 {
            if random.chance(20) {
                var channels: [Channel] = [.siren]
                if random.chance(90) { channels.append(.mqtt) }
                if random.chance(70) { channels.append(.pager) }
                tree.create(next, try DeliveryFixture.entry(next + 1, owedBy: channels).serialized())
                next += 1
            }
            guard next > 0 else { continue }
            let sequence = Int64.random(in: max(0, next - 12)..<next, using: &random)
            if let nodes = tree.nodes[sequence], random.chance(60) {
                let node = random.chance(70) ? nodes[nodes.count - 1] : nodes.randomElement(using: &random)
                if let node { try read(sequence, node) }
            }
            if random.chance(40) { settle(random.chance(50) ? .mqtt : .pager, sequence) }
            if random.chance(10), var entry = try tree.entry(sequence), let node = tree[sequence] {
                // Another gateway, of this version or a later one, writes its part over the node as it stands.
                let channel = ([.siren] + Self.known).randomElement(using: &random) ?? .siren
                if entry.deliveries[channel] == .owed {
                    entry.deliveries[channel] = .delivered
                    _ = tree.set(sequence, entry.serialized(), version: node.version)
                }
            }
            if random.chance(3), let first = tree.nodes[sequence]?.first, random.chance(50),
                try tree.entry(sequence)?.deliveries[.mqtt] == .owed
            {
                // A gateway of an earlier version marks the copy that it read first.
                let copy = String(decoding: first.data, as: UTF8.self)
                    .replacing(#""announced":false"#, with: #""announced":true"#)
                _ = tree.set(sequence, Array(copy.utf8), version: nil)
            }
            if random.chance(2) {
                tree.remove(sequence)
                ledger.entryRemoved(sequence)
                for channel in Self.known { owed[channel]?.remove(sequence) }
                truth[sequence] = nil
            }
            if random.chance(30) { try turn() }
        }

        // Everything is read, delivered and marked.
        for _ in 0..<4 * next {
            for sequence in ledger.heldSequences.sorted() {
                if let node = tree[sequence] { try read(sequence, node) }
                for channel in Self.known { settle(channel, sequence) }
            }
            try turn()
            if ledger.heldSequences.isEmpty { break }
        }
        #expect(ledger.heldSequences.isEmpty && ledger.marks(limit: 9).isEmpty, "seed \(seed)")
        for (sequence, deliveries) in truth {
            let entry = try #require(try tree.entry(sequence))
            for (channel, delivery) in deliveries {
                let there = try #require(entry.deliveries[channel], "seed \(seed)")
                #expect(there == delivery || there == .delivered, "entry \(sequence), \(channel), seed \(seed)")
            }
        }
    }
}
