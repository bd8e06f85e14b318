/// Makes a plan from the one before: everything stays where it is, but for what has lost its member, what its member has
/// no room for, and the even part of those that are new or have grown.
struct Succession {
    private let affinity: Affinity
    private let weights: [Int]
    /// Those that may be given something.
    private let takers: [Int]
    /// How many items each may keep.
    private let most: [Int]
    private let capacities: [Int]
    /// Those that take up to their even part.
    private let growing: [Int]
    /// The items by name: their order in the list makes no difference.
    private let order: [Int]
    /// Of items whose owner is gone or drains: the member that may have them already.
    private let heirs: [Int: Int]
    /// Items that no earlier plan had.
    private let isNew: [Bool]
    private var held: [Set<Int>]
    /// Items that their runners-up have: whose work has moved once.
    private var inherited: Set<Int> = []
    private(set) var owner: [Int]

    /// - Parameters:
    ///   - members: By name, each once.
    ///   - items: Each once.
    init(members: [PartitionPlan.Member], items: [String], earlier: PartitionPlan, slack: Double) {
        affinity = Affinity(members: members, items: items)
        weights = members.map(\.weight)
        let staying = members.indices.filter { !members[$0].isDraining }
        let takers = staying.isEmpty ? Array(members.indices) : staying
        let places = takers.reduce(0) { $0 + members[$1].weight }
        var capacities = Array(repeating: 0, count: members.count)
        let some = Capacity.all(takers.map { members[$0] }, items: items.count, slack: slack) { _ in Capacity.roundingUp
        }
        for (taker, capacity) in zip(takers, some) { capacities[taker] = capacity }
        self.takers = takers
        self.capacities = capacities
        most = members.indices.map { index in
            // While all drain, nothing moves.
            if staying.isEmpty { return items.count }
            let before = earlier.members[members[index].name]
            let hasShrunk = before.map { members[index].weight < $0.weight } ?? false
            let even = (items.count * members[index].weight + places - 1) / places
            return hasShrunk ? min(capacities[index], even) : capacities[index]
        }
        growing = staying.filter { index in
            guard let before = earlier.members[members[index].name] else { return true }
            return before.isDraining || before.weight < members[index].weight
        }
        let indices = Dictionary(uniqueKeysWithValues: members.enumerated().map { ($0.element.name, $0.offset) })
        order = items.indices.sorted { items[$0].utf8.lexicographicallyPrecedes(items[$1].utf8) }
        let owner = items.map { item in earlier.owner(of: item).flatMap { indices[$0] } ?? -1 }
        let leavers = earlier.items.keys.filter { name in indices[name].map { !takers.contains($0) } ?? true }
        let runnersUp = leavers.reduce(into: [PartitionItemName: String]()) { result, name in
            result.merge(earlier.runnersUp(ofItemsOf: name, slack: slack)) { first, _ in first }
        }
        heirs = items.indices.reduce(into: [:]) { result, item in
            guard let heir = runnersUp[PartitionItemName(items[item])].flatMap({ indices[$0] }), takers.contains(heir)
            else { return }
            result[item] = heir
        }
        isNew = items.map { earlier.owner(of: $0) == nil }
        var held = Array(repeating: Set<Int>(), count: members.count)
        for (item, member) in owner.enumerated() where member >= 0 { held[member].insert(item) }
        self.held = held
        self.owner = owner
    }

    mutating func run() {
        for member in held.indices {
            let surplus = held[member].count - most[member]
            guard surplus > 0 else { continue }
            // The least wanted.
            for item in sortedByWant(held[member], of: member).prefix(surplus) {
                held[member].remove(item)
                owner[item] = -1
            }
        }
        // First those that run at their runner-up already.
        for item in order where owner[item] < 0 {
            guard let heir = heirs[item], held[heir].count < capacities[heir] else { continue }
            give(item, to: heir)
            inherited.insert(item)
        }
        for item in order where owner[item] < 0 {
            if let member = (isNew[item] ? wanting(item) : nil) ?? emptiest(for: item) { give(item, to: member) }
        }
        let places = takers.reduce(0) { $0 + weights[$1] }
        for member in growing {
            let part = owner.count * weights[member] / places
            guard held[member].count < part else { continue }
            // Of each giver, the last is taken first: what is wanted most, and not what has just moved, if anything else
            // is left.
            var offers = Array(repeating: [Int](), count: held.count)
            let wanted = sortedByWant(owner.indices, of: member)
            for item in wanted where inherited.contains(item) { offers[owner[item]].append(item) }
            for item in wanted where !inherited.contains(item) { offers[owner[item]].append(item) }
            while held[member].count < part {
                guard let giver = fullest(besides: member), let item = offers[giver].popLast() else { break }
                give(item, to: member)
            }
        }
    }

    private mutating func give(_ item: Int, to member: Int) {
        if owner[item] >= 0 { held[owner[item]].remove(item) }
        owner[item] = member
        held[member].insert(item)
    }

    /// The member with room that wants an item most.
    private func wanting(_ item: Int) -> Int? {
        affinity.wanting(item, among: takers.filter { held[$0].count < most[$0] })
    }

    /// The one that would have the least with one item more, for its weight; among those that wants it most.
    private func emptiest(for item: Int) -> Int? {
        var least: [Int] = []
        for member in takers {
            if let other = least.first {
                let (mine, others) = (
                    (held[member].count + 1) * weights[other], (held[other].count + 1) * weights[member]
                )
                if mine > others { continue }
                if mine < others { least = [] }
            }
            least.append(member)
        }
        return affinity.wanting(item, among: least)
    }

    private func fullest(besides member: Int) -> Int? {
        held.indices.filter { $0 != member && !held[$0].isEmpty }.max { a, b in
            let (left, right) = (held[a].count * weights[b], held[b].count * weights[a])
            return left != right ? left < right : a < b
        }
    }

    /// The least wanted first.
    private func sortedByWant(_ items: some Collection<Int>, of member: Int) -> [Int] {
        items.map { (want: affinity.weight($0, member), item: $0) }
            .sorted { ($0.want, $0.item) < ($1.want, $1.item) }
            .map(\.item)
    }
}
