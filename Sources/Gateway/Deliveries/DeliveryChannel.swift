import Plant

/// What delivers recorded transitions by one channel, as ``DeliveryBoard`` sees it: a machine behind a lock, which keeps
/// what is owed and says what it has settled. A service beside it, which takes as long as it takes, does the delivering.
///
/// All of this is called under the board's lock, so that a channel hears of an entry in the order in which the board does.
/// It returns at once: it takes the channel's own lock, and neither waits nor calls the board.
protocol DeliveryChannel: Sendable {
    var channel: Channel { get }
    /// The channel's service turns by it. Woken, outside the board's lock, when something has become owed.
    var turns: Wake { get }

    /// The channel owes this entry. `age`: for how long it has stood in the journal.
    func entryOwed(_ sequence: Int64, _ transition: ProposedTransition, age: Milliseconds)

    /// Another gateway has seen to the entry, or its account has gone. Entries that the channel does not owe are passed over.
    func entrySettled(_ sequence: Int64, as delivery: Delivery?)

    /// The entry has gone from the journal.
    func entryRemoved(_ sequence: Int64)

    /// The numbers of entries mean others from now on; nothing of before is settled any more.
    func journalRestarted()

    /// What the channel has settled since this was last asked. It wakes the board's ``DeliveryBoard/marks`` when there is
    /// something.
    func takeSettled() -> [(sequence: Int64, delivery: Delivery)]
}
