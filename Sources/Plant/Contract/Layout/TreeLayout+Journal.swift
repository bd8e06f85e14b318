extension TreeLayout {
    /// Path of the entry with a sequence number.
    package static func journalEntry(_ sequence: Int64) -> String {
        let digits = String(sequence)
        return journalEntryPrefix + String(repeating: "0", count: max(0, 10 - digits.count)) + digits
    }

    /// Sequence number of an entry's path; nil when it is not one of the journal's.
    package static func journalSequence(ofPath path: String) -> Int64? {
        guard path.hasPrefix(journal + "/") else { return nil }
        return journalSequence(ofNode: String(path.dropFirst(journal.count + 1)))
    }
}
