import Plant
import Synchronization

/// Where the journal, the channels and the marker meet: ``/Plant/DeliveryLedger`` behind a lock.
///
/// The journal says what stands in it; each channel hears of what it owes, and is asked for what it has settled whenever
/// marks are to be written. No channel waits for another one, and nobody waits for any.
final class DeliveryBoard: Sendable {
    /// Turns of the marker: something may be marked in the journal.
    let marks: Wake

    private let channels: [any DeliveryChannel]
    private let ledger: Mutex<DeliveryLedger>

    /// - Parameters:
    ///   - channels: all that this gateway delivers by.
    ///   - marks: woken by each channel that has settled something.
    init(channels: [any DeliveryChannel], marks: Wake) {
        self.channels = channels
        self.marks = marks
        ledger = Mutex(DeliveryLedger(channels: channels.map(\.channel)))
    }

    /// What the entry of a transition that is recorded now says about who owes it.
    var names: [Channel] { channels.map(\.channel) }

    /// Everything that may have something to do when a lease, the tree or the broker has come back.
    var wakes: [Wake] { channels.map(\.turns) + [marks] }

    // MARK: The journal

    /// An entry stands in the journal like this, in this version of its node.
    func entryRead(
        _ sequence: Int64, _ entry: JournalEntry, _ transition: ProposedTransition, version: Int32, age: Milliseconds
    ) {
        let owing = ledger.withLock { ledger in
            let notices = ledger.entryRead(sequence, entry, version: version)
            return channels.filter { channel in
                var isOwed = false
                for notice in notices {
                    switch notice {
                    case .owed(channel.channel):
                        channel.entryOwed(sequence, transition, age: age)
                        isOwed = true
                    case .settledElsewhere(channel.channel, let delivery):
                        channel.entrySettled(sequence, as: delivery)
                    case .owed, .settledElsewhere: break
                    }
                }
                return isOwed
            }
        }
        for channel in owing { channel.turns.wake() }
    }

    /// The node holds something that nobody can read.
    func entryOverwritten(_ sequence: Int64, version: Int32) {
        ledger.withLock { $0.entryOverwritten(sequence, version: version) }
    }

    func entryRemoved(_ sequence: Int64) {
        ledger.withLock { ledger in
            ledger.entryRemoved(sequence)
            for channel in channels { channel.entryRemoved(sequence) }
        }
    }

    func journalRestarted() {
        ledger.withLock { ledger in
            ledger.journalRestarted()
            for channel in channels { channel.journalRestarted() }
        }
    }

    func holds(_ sequence: Int64) -> Bool { ledger.withLock { $0.holds(sequence) } }

    var heldSequences: Set<Int64> { ledger.withLock { $0.heldSequences } }

    // MARK: Marks

    /// What is to be written into the journal next.
    func marks(limit: Int) -> [DeliveryLedger.Mark] {
        ledger.withLock { ledger in
            for channel in channels {
                for (sequence, delivery) in channel.takeSettled() {
                    ledger.settled(sequence, by: channel.channel, as: delivery)
                }
            }
            return ledger.marks(limit: limit)
        }
    }

    /// These marks stand in the journal.
    func marked(_ marks: [DeliveryLedger.Mark]) { ledger.withLock { $0.marked(marks) } }
}
