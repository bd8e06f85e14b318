/// From what has been seen to what should be.
extension OwnershipDesk {
    private var myself: GatewayMember? { plan.member(me.gateway) }

    mutating func evaluate(at now: Milliseconds) {
        self.now = max(self.now, now)
        link.advance(to: self.now)
        if let since = anewSince, self.now >= since + rule.link.patience {
            anewSince = nil
            wishes.isSettled = false
            readySince = nil
        }
        var next = wishes
        if link.isReady != wishes.isReady { notes.append(link.isReady ? .ready : .unready) }
        next.isReady = link.isReady
        if link.isReady { connectingSince = nil }
        if let since = connectingSince, self.now >= since + rule.firstContact {
            connectingSince = nil
            notes.append(.unready)
        }
        if let myself, myself.life != me {
            noteNameTaken(by: myself.life)
            next.mayConnect = false
            next.shards = []
            next.standsForProcessor = false
            readySince = nil
        } else {
            if myself != nil {
                if !next.mayConnect, !link.isReady { connectingSince = self.now }
                next.mayConnect = true
                nameTakenBy = nil
            }
            settle(&next)
            let isRegistered = myself != nil
            next.shards = Set((0..<shardCount).filter { isWanted($0, isRegistered: isRegistered) })
            next.standsForProcessor = standsForProcessor
        }
        wishes = next
    }

    /// One that is seen for the first time and has settled before has heard what went on while we were alone.
    mutating func meet(_ members: [GatewayMember]) {
        let others = members.filter { $0.name != me.gateway && !$0.isOlder && !met.contains($0.life) }
        guard !others.isEmpty else { return }
        // Of two that settled alone, apart from each other, the one gives way that has lived for less.
        let mine = (started, me.gateway)
        if hasSettledAlone, others.contains(where: { $0.isReady && $0.isSettled && ($0.started, $0.name) < mine }) {
            wishes.isSettled = false
            readySince = nil
        }
        if met.count > 1_000 { met = [] }
        met.formUnion(others.map(\.life))
    }

    private mutating func noteNameTaken(by life: GatewayLife) {
        guard nameTakenBy != life else { return }
        nameTakenBy = life
        notes.append(.nameTaken(by: life))
    }

    private mutating func settle(_ next: inout Wishes) {
        guard !next.isSettled else { return }
        guard let myself, myself.isReady, link.isReady else {
            readySince = nil
            return
        }
        let since = readySince ?? now
        readySince = since
        // Also for one that is not settled yet, or could not say so, and has lived for longer.
        let waitsForOthers = plan.members.contains { other in
            other.name != me.gateway && other.isReady && !other.isOlder
                && (other.isSettled || (other.started, other.name) < (started, me.gateway))
        }
        if !waitsForOthers || now >= since + rule.settling {
            next.isSettled = true
            hasSettledAlone = !waitsForOthers
            // A member that was seen before and has gone was not waited for.
            if hasSettledAlone { met = Set(plan.members.filter { $0.name != me.gateway }.map(\.life)) }
        }
    }

    private func isWanted(_ shard: Int, isRegistered: Bool) -> Bool {
        let queue = queues.flatMap { shard < $0.count ? $0[shard] : nil } ?? []
        if queue.first == me.gateway {
            return plan.keeps(shard, owner: me.gateway, behind: queue.dropFirst())
        }
        // Not (yet) registered: nothing new.
        guard isRegistered else { return wishes.shards.contains(shard) && queue.contains(me.gateway) }
        if plan.owner(of: shard) == me.gateway { return true }
        // The one that drains lets go for us.
        if let owner = queue.first, group.leaving.contains(owner),
            plan.successor(of: owner, among: queue.dropFirst()) == me.gateway
        {
            return true
        }
        guard let since = untakenSince[shard] else { return false }
        if group.isAnyReady, group.eligible.contains(me.gateway), !group.leaving.contains(me.gateway),
            now >= since + rule.rescue
        {
            return true
        }
        return queue.isEmpty && now >= since + rule.lastRescue
    }

    private var group: ServingGroup { plan.group }

    private var standsForProcessor: Bool {
        // Not (yet) registered: nothing new.
        guard myself != nil else { return wishes.standsForProcessor }
        guard let processorQueue, processorQueue.first == me.gateway else {
            // A newcomer may follow; one that drains is not to be elected again.
            return !group.isAnyReady || group.serving.contains(me.gateway)
                || group.eligible.contains(me.gateway) && !group.leaving.contains(me.gateway)
        }
        return plan.keepsProcessor(me.gateway, behind: processorQueue.dropFirst())
    }

    mutating func setDraining(_ isDraining: Bool, at now: Milliseconds) {
        if wishes.isDraining != isDraining { notes.append(isDraining ? .draining : .staying) }
        wishes.isDraining = isDraining
        evaluate(at: now)
    }

    /// Since when shards have nobody that takes them.
    mutating func noteUntaken(at now: Milliseconds) {
        guard let queues else { return }
        for shard in 0..<shardCount {
            let isUntaken = shard < queues.count && plan.isUntaken(queues[shard])
            untakenSince[shard] = isUntaken ? untakenSince[shard] ?? now : nil
        }
    }

    mutating func noteRoutes(_ before: ServingGroup) {
        func other(_ group: ServingGroup) -> String? {
            guard let digest = group.routesDigest, digest != routesDigest, group.leader != me.gateway else {
                return nil
            }
            return group.leader
        }
        switch (other(before), other(group)) {
        case (nil, let leader?): notes.append(.otherRoutes(than: leader))
        case (_?, nil): notes.append(.sameRoutes)
        case (nil, nil), (_?, _?): break
        }
    }
}
