import Primitives

/// Items propose to members, the heaviest weight first; a full member keeps the heaviest. The outcome does not depend on
/// the order of the proposals.
struct Matching {
    private struct Proposal: Comparable {
        let weight: UInt64
        let item: Int

        static func < (a: Proposal, b: Proposal) -> Bool { (a.weight, b.item) < (b.weight, a.item) }
    }

    private let affinity: Affinity
    private let capacities: [Int]
    /// What each member has, the lightest first: heaps.
    private var held: [[Proposal]]
    private(set) var owner: [Int]

    init(members: [PartitionPlan.Member], items: [String], slack: Double) {
        affinity = Affinity(members: members, items: items)
        // Rounded up or down by the member's name, in the proportion of the fraction: were all rounded up, all would gain
        // a place at the same moment, and items would move everywhere.
        capacities = Capacity.all(members, items: items.count, slack: slack) { member in
            Double(StableHash.splitMixed(StableHash.fnv1a(member.name.utf8) ^ 0x5bd1_e995) >> 11) / 0x1p53
        }
        held = Array(repeating: [], count: members.count)
        owner = Array(repeating: -1, count: items.count)
    }

    mutating func run() {
        for item in owner.indices { place(item) }
    }

    /// Finds a member for an item, and then for the one that it pushes out, and so on.
    private mutating func place(_ first: Int) {
        var item = first
        // The weight of the member that pushed the item out: it asks those below.
        var bound: (weight: UInt64, member: Int)?
        while true {
            guard let next = heaviest(item, below: bound) else { return }
            let proposal = Proposal(weight: next.weight, item: item)
            if held[next.member].count < capacities[next.member] {
                push(proposal, to: next.member)
                owner[item] = next.member
                return
            }
            if let lightest = held[next.member].first, lightest < proposal {
                replaceLightest(of: next.member, by: proposal)
                owner[item] = next.member
                item = lightest.item
                bound = (lightest.weight, next.member)
            } else {
                bound = next
            }
        }
    }

    private func heaviest(_ item: Int, below bound: (weight: UInt64, member: Int)?) -> (weight: UInt64, member: Int)? {
        var best: (weight: UInt64, member: Int)?
        for member in capacities.indices {
            let candidate = (weight: affinity.weight(item, member), member: member)
            if let bound, candidate >= bound { continue }
            if let best, candidate < best { continue }
            best = candidate
        }
        return best
    }

    private mutating func push(_ proposal: Proposal, to member: Int) {
        held[member].append(proposal)
        var index = held[member].count - 1
        while index > 0, held[member][index] < held[member][(index - 1) / 2] {
            held[member].swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func replaceLightest(of member: Int, by proposal: Proposal) {
        held[member][0] = proposal
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < held[member].count {
                if held[member][child] < held[member][least] { least = child }
            }
            if least == index { return }
            held[member].swapAt(index, least)
            index = least
        }
    }
}
