/// An item's name, compared by its bytes, as the tree compares the names of nodes. Swift's own `==` treats texts as equal
/// that the tree distinguishes: two spellings of one text would have one owner in the plan and two locks.
struct PartitionItemName: Hashable, Sendable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (a: Self, b: Self) -> Bool { a.text.utf8.elementsEqual(b.text.utf8) }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { bytes in
            hasher.combine(bytes: UnsafeRawBufferPointer(bytes))
            hasher.combine(bytes.count)
        }
    }
}

extension Sequence where Element == String {
    /// Each item once, in the order in which they come first.
    func uniqueItems() -> [String] {
        var seen: Set<PartitionItemName> = []
        return filter { seen.insert(PartitionItemName($0)).inserted }
    }
}
