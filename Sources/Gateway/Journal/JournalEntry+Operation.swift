import Plant
import ZooKeeperProtocol

extension JournalEntry {
    /// Appends the entry: the operation for the transaction of the change that it records.
    var appending: Operation {
        .create(path: TreeLayout.journalEntryPrefix, data: serialized(), mode: .persistentSequential)
    }
}
