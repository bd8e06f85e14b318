import Primitives

/// How much each member wants each item: drawn from their names, the same for everybody.
struct Affinity {
    private let memberHashes: [[UInt64]]
    private let itemHashes: [UInt64]

    init(members: [PartitionPlan.Member], items: [String]) {
        // A member of weight w has w places on the table, as if it were w members.
        memberHashes = members.map { member in
            let hash = StableHash.fnv1a(member.name.utf8)
            return (0..<member.weight).map { StableHash.splitMixed(hash &+ UInt64($0) &* 0x9e37_79b9_7f4a_7c15) }
        }
        itemHashes = items.map { StableHash.splitMixed(StableHash.fnv1a($0.utf8)) }
    }

    func weight(_ item: Int, _ member: Int) -> UInt64 {
        var best: UInt64 = 0
        for place in memberHashes[member] { best = max(best, StableHash.splitMixed(place ^ itemHashes[item])) }
        return best
    }

    /// The member that wants an item most; the first of several alike.
    func wanting(_ item: Int, among members: [Int]) -> Int? {
        members.map { (want: weight(item, $0), member: $0) }.max { $0.want < $1.want }?.member
    }
}

/// How many items a member may have.
enum Capacity {
    /// The rounding by which every fraction is a place more.
    static let roundingUp = 0.999_999

    /// - Parameter rounding: What is added to a fraction before it is cut off: 0 to 1.
    static func all(
        _ members: [PartitionPlan.Member], items: Int, slack: Double, rounding: (PartitionPlan.Member) -> Double
    ) -> [Int] {
        let places = members.reduce(0) { $0 + $1.weight }
        // More than twice the even part is cut off below, and infinity is no number of items.
        let slack = slack >= 1 ? min(slack, 2) : 1
        return members.map { member in
            let share = slack * Double(items) * Double(member.weight) / Double(places)
            // Never below the even part, so that everything finds room; never more than twice the even part, because
            // what a member has is what moves when it leaves.
            let even = (items * member.weight + places - 1) / places
            return max(even, min(Int(share + rounding(member)), 2 * items * member.weight / places))
        }
    }
}
