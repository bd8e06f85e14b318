import Testing

@testable import Plant

@Suite("Delivery ledger: who owes what, and what the journal is to say")
struct DeliveryLedgerTests {
    private func entry(_ channels: [Channel] = [.mqtt, .pager]) throws -> JournalEntry {
        try DeliveryFixture.entry(1, owedBy: channels)
    }

    @Test("An entry is held until each channel has settled it and the journal says so; then no read brings it back")
    func wholeWay() throws {
        var ledger = DeliveryLedger(channels: [.mqtt, .pager])
        let entry = try entry()
        #expect(ledger.entryRead(7, entry, version: 0) == [.owed(.mqtt), .owed(.pager)])
        #expect(ledger.entryRead(7, entry, version: 0) == [])
        #expect(ledger.marks(limit: 9) == [])
        ledger.settled(7, by: .mqtt, as: .delivered)
        var mark = try #require(ledger.marks(limit: 9).first)
        #expect(mark.version == 0 && mark.settled == [.mqtt])
        #expect(mark.entry.deliveries[.mqtt] == .delivered && mark.entry.deliveries[.pager] == .owed)
        ledger.marked([mark])
        #expect(ledger.marks(limit: 9) == [] && ledger.holds(7))

        ledger.settled(7, by: .pager, as: .givenUp(.refused))
        #expect(!ledger.holds(7) && ledger.heldSequences == [7])
        mark = try #require(ledger.marks(limit: 9).first)
        #expect(mark.version == 1 && mark.settled == [.pager])
        #expect(mark.entry.deliveries[.mqtt] == .delivered)
        ledger.marked([mark])
        #expect(ledger.heldSequences == [] && ledger.marks(limit: 9) == [])
        #expect(ledger.entryRead(7, entry, version: 0) == [])
        #expect(ledger.heldSequences == [])
    }

    @Test("What a channel settles while a mark is on its way gets a mark of its own, over the version of the first")
    func meanwhile() throws {
        var ledger = DeliveryLedger(channels: [.mqtt, .pager])
        _ = ledger.entryRead(7, try entry(), version: 4)
        ledger.settled(7, by: .pager, as: .delivered)
        let first = ledger.marks(limit: 9)
        ledger.settled(7, by: .mqtt, as: .delivered)
        ledger.marked(first)
        let second = ledger.marks(limit: 9)
        #expect(second.map(\.version) == [5] && second.map(\.settled) == [[.mqtt]])
        // The second mark is read before its answer comes.
        #expect(ledger.entryRead(7, second[0].entry, version: 6) == [])
        #expect(ledger.heldSequences == [])
        ledger.marked(second)
        #expect(ledger.heldSequences == [])
    }

    @Test("Another gateway's outcome for one channel and ours for another go into one mark")
    func twoGateways() throws {
        var ledger = DeliveryLedger(channels: [.mqtt, .pager])
        _ = ledger.entryRead(7, try entry(), version: 0)
        ledger.settled(7, by: .mqtt, as: .delivered)
        let refused = ledger.marks(limit: 9)
        var other = try entry()
        other.deliveries[.pager] = .delivered
        #expect(ledger.entryRead(7, other, version: 1) == [.settledElsewhere(.pager, .delivered)])
        ledger.settled(7, by: .pager, as: .givenUp(.refused))
        // The answer to the mark that the tree has refused is none.
        ledger.marked(refused)
        let mark = try #require(ledger.marks(limit: 9).first)
        #expect(mark.version == 1 && mark.settled == [.mqtt])
        #expect(mark.entry.deliveries[.mqtt] == .delivered && mark.entry.deliveries[.pager] == .delivered)
    }

    @Test(
        "An older copy of the entry takes nothing back",
        arguments: [Delivery.delivered, .givenUp(.refused)], [Delivery.owed, .givenUp(.unannounced), .delivered])
    func olderCopy(here: Delivery, there: Delivery) throws {
        var ledger = DeliveryLedger(channels: [.mqtt, .pager])
        _ = ledger.entryRead(7, try entry(), version: 0)
        ledger.settled(7, by: .pager, as: here)
        ledger.marked(ledger.marks(limit: 9))
        var written = try entry()
        written.deliveries[.pager] = there
        #expect(ledger.entryRead(7, written, version: 2) == [])
        let marks = ledger.marks(limit: 9)
        if here == .delivered && there != .delivered || there == .owed {
            #expect(marks.map(\.settled) == [[.pager]] && marks.first?.entry.deliveries[.pager] == here)
            #expect(marks.first?.version == 2)
        } else {
            #expect(marks == [])
        }
    }

    @Test("Channels that this gateway does not have owe it nothing, and their accounts stay in the marks")
    func unknown() throws {
        var ledger = DeliveryLedger(channels: [.mqtt])
        #expect(ledger.entryRead(6, try entry([.siren]), version: 0) == [])
        #expect(ledger.heldSequences == [])
        #expect(ledger.entryRead(7, try entry([.siren, .mqtt]), version: 0) == [.owed(.mqtt)])
        ledger.settled(7, by: .siren, as: .delivered)
        #expect(ledger.marks(limit: 9) == [])
        ledger.settled(7, by: .mqtt, as: .delivered)
        let mark = try #require(ledger.marks(limit: 9).first)
        #expect(mark.entry.deliveries[.siren] == .owed)
        ledger.marked([mark])
        #expect(ledger.heldSequences == [])
    }

    @Test("What became of an entry is asked once: neither said twice, nor taken back, nor said of one that is not owed")
    func once() throws {
        var ledger = DeliveryLedger(channels: [.mqtt, .pager])
        _ = ledger.entryRead(7, try entry([.mqtt]), version: 0)
        ledger.settled(7, by: .pager, as: .delivered)
        ledger.settled(8, by: .mqtt, as: .delivered)
        ledger.settled(7, by: .mqtt, as: .owed)
        #expect(ledger.marks(limit: 9) == [])
        ledger.settled(7, by: .mqtt, as: .givenUp(.refused))
        ledger.settled(7, by: .mqtt, as: .delivered)
        let mark = try #require(ledger.marks(limit: 9).first)
        #expect(mark.entry.deliveries[.mqtt] == .givenUp(.refused) && mark.entry.deliveries[.pager] == nil)
    }

    @Test("An account that has gone from the entry is settled elsewhere, and one that has come is owed")
    func membersThatComeAndGo() throws {
        var ledger = DeliveryLedger(channels: [.mqtt, .pager])
        _ = ledger.entryRead(7, try entry([.mqtt]), version: 0)
        #expect(
            ledger.entryRead(7, try entry([.pager]), version: 1) == [.settledElsewhere(.mqtt, nil), .owed(.pager)])
    }

    @Test("A node that nobody can read is written over in its own version")
    func overwritten() throws {
        var ledger = DeliveryLedger(channels: [.mqtt])
        _ = ledger.entryRead(7, try entry([.mqtt]), version: 0)
        ledger.settled(7, by: .mqtt, as: .delivered)
        ledger.entryOverwritten(7, version: 3)
        #expect(ledger.marks(limit: 9).map(\.version) == [3])
    }

    @Test("An entry that has gone has no marks; a journal that begins again brings other entries under old numbers")
    func gone() throws {
        var ledger = DeliveryLedger(channels: [.mqtt])
        for sequence in 0..<3 as Range<Int64> {
            _ = ledger.entryRead(sequence, try entry([.mqtt]), version: 0)
            ledger.settled(sequence, by: .mqtt, as: .delivered)
        }
        ledger.entryRemoved(0)
        #expect(ledger.marks(limit: 1).map(\.sequence) == [1])
        ledger.marked(ledger.marks(limit: 1))
        ledger.journalRestarted()
        #expect(ledger.marks(limit: 9) == [])
        #expect(ledger.entryRead(1, try entry([.mqtt]), version: 0) == [.owed(.mqtt)])
        ledger.settled(1, by: .mqtt, as: .delivered)
        #expect(ledger.marks(limit: 9).map(\.sequence) == [1])
    }
}
