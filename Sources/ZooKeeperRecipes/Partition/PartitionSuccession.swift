/// Makes a plan from the one before: everything stays where it is, but for what has lost its member, what its member has
/// no room for, and the even part of those who are new.
struct Succession {
    private let affinity: Affinity
    private let weights: [Int]
    private let capacities: [Int]
    private let newcomers: [Int]
    /// The items by name: their order in the list makes no difference.
    private let order: [Int]
    private var held: [Set<Int>]
    private(set) var owner: [Int]

    init(members: [PartitionPlan.Member], items: [String], earlier: PartitionPlan, slack: Double) {
        affinity = Affinity(members: members, items: items)
        weights = members.map(\.weight)
        capacities = Capacity.all(members, items: items.count, slack: slack) { _ in 0.999_999 }
        newcomers = members.indices.filter { earlier.items[members[$0].name] == nil }
        let indices = Dictionary(uniqueKeysWithValues: members.enumerated().map { ($0.element.name, $0.offset) })
        order = items.indices.sorted { items[$0].utf8.lexicographicallyPrecedes(items[$1].utf8) }
        held = Array(repeating: [], count: members.count)
        owner = items.map { item in earlier.owner(of: item).flatMap { indices[$0] } ?? -1 }
        for (item, member) in owner.enumerated() where member >= 0 { held[member].insert(item) }
    }

    mutating func run() {
        for member in held.indices {
            while held[member].count > capacities[member], let item = leastWanted(of: member) {
                held[member].remove(item)
                owner[item] = -1
            }
        }
        for item in order where owner[item] < 0 {
            if let member = emptiest(for: item) { give(item, to: member) }
        }
        let places = weights.reduce(0, +)
        for member in newcomers {
            let part = owner.count * weights[member] / places
            while held[member].count < part {
                guard let giver = fullest(besides: member), let item = mostWanted(by: member, of: giver) else { break }
                give(item, to: member)
            }
        }
    }

    private mutating func give(_ item: Int, to member: Int) {
        if owner[item] >= 0 { held[owner[item]].remove(item) }
        owner[item] = member
        held[member].insert(item)
    }

    /// Whoever would have the least with one item more, for its weight; among those who wants it most.
    private func emptiest(for item: Int) -> Int? {
        held.indices.min { a, b in
            let (left, right) = ((held[a].count + 1) * weights[b], (held[b].count + 1) * weights[a])
            return left != right ? left < right : affinity.weight(item, a) > affinity.weight(item, b)
        }
    }

    private func fullest(besides member: Int) -> Int? {
        held.indices.filter { $0 != member && !held[$0].isEmpty }.max { a, b in
            let (left, right) = (held[a].count * weights[b], held[b].count * weights[a])
            return left != right ? left < right : a < b
        }
    }

    private func leastWanted(of member: Int) -> Int? {
        held[member].min { (affinity.weight($0, member), $0) < (affinity.weight($1, member), $1) }
    }

    private func mostWanted(by member: Int, of giver: Int) -> Int? {
        held[giver].max { (affinity.weight($0, member), $0) < (affinity.weight($1, member), $1) }
    }
}
