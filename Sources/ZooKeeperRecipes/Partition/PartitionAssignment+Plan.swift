import Logging
import ServiceLifecycle
import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol

/// How a member goes by the plan in the tree, and shows the others what it wants of it.
extension PartitionAssignment {
    func followPlan(_ failing: AsyncThrowingStream<Never, any Error>.Continuation) async throws {
        let members = StateBroadcast<[Member]>([], bound: 1)
        do {
            try await withThrowingDiscardingTaskGroup { group in
                group.addTask { for await list in self.membership.members() { members.send(list) } }
                var standing: [PartitionItemName: PartitionStanding] = [:]
                try await keepPlan(with: members) { plan, items, namesRunnersUp in
                    let duties = self.duties(by: plan, items: items, standsBy: namesRunnersUp)
                    for (item, one) in standing where !one.change(to: duties[item] ?? .stop) { standing[item] = nil }
                    for (item, duty) in duties where !duty.isOver && standing[item] == nil {
                        let one = PartitionStanding(duty)
                        standing[item] = one
                        group.addTask { await self.stand(for: item.text, one, failing) }
                    }
                    self.progress.send(())
                    self.logger.debug(
                        "partition plan",
                        metadata: [
                            "path": "\(self.path)", "members": "\(plan.items.count)",
                            "mine": "\(plan.items[self.name]?.count ?? 0)",
                        ])
                }
            }
        } catch is CancellationError {}
    }

    private func duties(by plan: PartitionPlan, items: [String], standsBy: Bool) -> [PartitionItemName: PartitionDuty] {
        let runnersUp = standsBy && settings.standsBy ? plan.runnersUpByBytes(slack: settings.slack) : [:]
        return Dictionary(
            uniqueKeysWithValues: items.map { item in
                let key = PartitionItemName(item)
                return (key, PartitionDuty(of: item, for: name, by: plan, runnerUp: runnersUp[key]))
            })
    }

    /// Has this member's node show what its share is, whenever that changes.
    func showShare() async throws {
        var shown: [UInt8]?
        var attempt = Attempt(.service)
        do {
            for await _ in shareChanges.updates() {
                while true {
                    let data = share.withLock { $0.data }
                    if data == shown { break }
                    do {
                        try await membership.update(data)
                        shown = data
                        attempt = Attempt(.service)
                    } catch let error as ZooKeeperError {
                        logger.debug("partition member", metadata: ["path": "\(path)", "error": "\(error)"])
                        try await attempt.failed(error)
                    }
                }
            }
        } catch is CancellationError {}
    }

    /// Reads the plan whenever it changes, and replaces it when it does not fit.
    ///
    /// Two loops: the outer one reads the node each time; the inner one uses what was read for as long as
    /// the node's watch is silent, while members come and go and time passes.
    private func keepPlan(
        with members: StateBroadcast<[Member]>,
        adopt: (PartitionPlan, _ items: [String], _ namesRunnersUp: Bool) -> Void
    ) async throws {
        let node = PartitionNode(client: client, path: ZooKeeperPath.child("plan", of: path))
        var share = share.withLock { $0 }
        var keeping = PartitionKeeping(name: name, items: share.items, settings: settings)
        var attempt = Attempt(.service)
        var wasAgreed = true
        var namedRunnersUp = true
        while true {
            try Task.checkCancellation()
            do {
                let (seen, watch) = try await node.read()
                keeping.planSeen(seen, at: .now)
                while !watch.hasFired {
                    let list = members.value
                    let before = share
                    share = self.share.withLock { $0 }
                    keeping.itemsChanged(share.items, at: .now)
                    keeping.membersSeen(list, at: .now)
                    if wasAgreed != keeping.isAgreedOnItems {
                        wasAgreed = keeping.isAgreedOnItems
                        logger.info(
                            "members share the same items", metadata: ["path": "\(path)", "same": "\(wasAgreed)"])
                    }
                    let step = keeping.step(at: .now)
                    if let plan = keeping.plan,
                        plan != self.plan || !share.hasSameItems(as: before) || namedRunnersUp != keeping.namesRunnersUp
                    {
                        namedRunnersUp = keeping.namesRunnersUp
                        planInForce.withLock { $0 = plan }
                        adopt(plan, share.items, namedRunnersUp)
                    }
                    switch step {
                    case .wait(let deadline):
                        await waitForChange(of: watch, of: members, since: list, share, until: deadline)
                        try Task.checkCancellation()
                        continue  // with the same plan, unless the watch has fired
                    case .write(let content, let version):
                        do {
                            try await node.write(content, over: version)
                        } catch let error as ZooKeeperError where error.code == .requestTooLarge {
                            keeping.planWasTooLarge()
                            continue  // with the same plan, which nothing has replaced
                        }
                    }
                    // Out of the inner loop, to read the node again: that shows whether this member has written it or
                    // a faster one, and the event may not be here yet.
                    break
                }
                attempt = Attempt(.service)
            } catch let error as ZooKeeperError {
                logger.debug("partition plan", metadata: ["path": "\(path)", "error": "\(error)"])
                try await attempt.failed(error)
            }
        }
    }

    private func waitForChange(
        of watch: Watch, of members: StateBroadcast<[Member]>, since list: [Member],
        _ share: PartitionShare, until deadline: ContinuousClock.Instant?
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { _ = try? await watch.next() }
            group.addTask { for await now in members.updates() where now != list { return } }
            group.addTask {
                for await _ in self.shareChanges.updates() where self.share.withLock({ $0 }) != share { return }
            }
            if let deadline { group.addTask { try? await Task.sleep(until: deadline, clock: .continuous) } }
            await group.next()
            group.cancelAll()
        }
    }
}
