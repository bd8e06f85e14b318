import Primitives

/// What one member wants of the items: which there are, and how large a part.
struct PartitionShare: Hashable, Sendable {
    /// What others see of it.
    struct Shown: Hashable, Sendable {
        /// Stands for the list of items.
        var digest: String
        /// Its name, its weight, and whether it drains.
        var member: PartitionPlan.Member
    }

    /// Each once, in the order they were given in.
    var items: [String] {
        get { names.map(\.text) }
        set { names = newValue.uniqueItems().map { PartitionItemName($0) } }
    }
    private var names: [PartitionItemName] = []
    var weight = 1
    var isDraining = false

    init(items: [String], weight: Int = 1, isDraining: Bool = false) {
        self.weight = weight
        self.isDraining = isDraining
        self.items = items
    }

    func hasSameItems(as other: PartitionShare) -> Bool { names == other.names }

    /// The data of the member's node: a digest of its items, and behind it pairs of words.
    ///
    ///     items 5ca1ab1e weight 3 draining true
    ///
    /// What is as usual is left out, so that the version that knows the digest alone reads the same as ever.
    var data: [UInt8] {
        var text = Self.digest(items)
        if weight != 1 { text += " weight \(weight)" }
        if isDraining { text += " draining true" }
        return Array(text.utf8)
    }

    /// What a member's node shows. Pairs that this version does not know are skipped, values that make no sense count as
    /// the usual ones.
    static func shown(_ data: [UInt8], name: String) -> Shown {
        let words = String(decoding: data, as: UTF8.self).split(separator: " ", omittingEmptySubsequences: false)
        var member = PartitionPlan.Member(name)
        for index in stride(from: 2, to: words.count - 1, by: 2) {
            switch words[index] {
            case "weight": member = .init(name, weight: Int(words[index + 1]) ?? 1, isDraining: member.isDraining)
            case "draining": member.isDraining = words[index + 1] == "true"
            default: continue
            }
        }
        return Shown(digest: words.prefix(2).joined(separator: " "), member: member)
    }

    static func digest(_ items: [String]) -> String {
        let sorted = items.uniqueItems().sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        // No UTF-8 contains 0xFF.
        return "items \(String(StableHash.fnv1a(sorted.lazy.flatMap { Array($0.utf8) + [0xFF] }), radix: 16))"
    }
}
