/// Which member has an item next when its owner dies.
extension PartitionPlan {
    /// The runner-up of each item: the member that has it next if its owner dies. An item has none while no other member
    /// stays: all others drain, or there are none.
    ///
    /// Every process that knows the plan computes the same; the order of the items makes no difference. The items of one
    /// owner are spread: by its death no survivor gets more than its even part of them by weight, rounded up, except
    /// where the others have no room for theirs. Computed at each call, in time proportional to items · members · weight.
    ///
    /// - Parameter slack: That of the plan that will follow.
    public func runnersUp(slack: Double = 1.5) -> [String: String] {
        Dictionary(
            runnersUpByBytes(slack: slack).map { ($0.text, $1) }, uniquingKeysWith: { min($0, $1) })
    }

    /// The same, also for items that only their bytes distinguish.
    func runnersUpByBytes(slack: Double) -> [PartitionItemName: String] {
        var result: [PartitionItemName: String] = [:]
        result.reserveCapacity(itemCount)
        for owner in items.keys { result.merge(runnersUp(ofItemsOf: owner, slack: slack)) { first, _ in first } }
        return result
    }

    /// The runners-up of one member's items. They depend on nothing that its death takes away: neither its weight nor
    /// whether it drains.
    func runnersUp(ofItemsOf owner: String, slack: Double) -> [PartitionItemName: String] {
        guard let lost = items[owner], !lost.isEmpty else { return [:] }
        let survivors = Self.sorted(members.values.filter { $0.name != owner && !$0.isDraining })
        guard !survivors.isEmpty else { return [:] }
        let order = lost.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let affinity = Affinity(members: survivors, items: order)
        let places = survivors.reduce(0) { $0 + $1.weight }
        let capacities = Capacity.all(survivors, items: itemCount, slack: slack) { _ in Capacity.roundingUp }
        var room = survivors.indices.map { capacities[$0] - (items[survivors[$0].name]?.count ?? 0) }
        var part = survivors.map { (lost.count * $0.weight + places - 1) / places }
        var result: [PartitionItemName: String] = [:]
        for (index, item) in order.enumerated() {
            let free = survivors.indices.filter { room[$0] > 0 }
            let fair = free.filter { part[$0] > 0 }
            // Without any room, which only a plan that was written by hand leaves, all are alike.
            let choice = !fair.isEmpty ? fair : !free.isEmpty ? free : Array(survivors.indices)
            guard let member = affinity.wanting(index, among: choice) else { break }
            room[member] -= 1
            part[member] -= 1
            result[PartitionItemName(item)] = survivors[member].name
        }
        return result
    }
}
