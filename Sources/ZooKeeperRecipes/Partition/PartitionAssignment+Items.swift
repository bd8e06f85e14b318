import Logging
import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol

/// What is done for one item.
extension PartitionAssignment {
    /// Does what the plan asks for an item until there is nothing left to do for it.
    ///
    /// - Parameter failing: Receives the error after which the item can never be owned here: its work would be done by
    ///   nobody, and no other member be asked to.
    func stand(
        for item: String, _ standing: PartitionStanding,
        _ failing: AsyncThrowingStream<Never, any Error>.Continuation
    ) async {
        do {
            try await standRepeatedly(for: item, standing)
        } catch {
            if !(error is CancellationError) { failing.finish(throwing: error) }
        }
    }

    private func standRepeatedly(for item: String, _ standing: PartitionStanding) async throws {
        let itemPath = ZooKeeperPath.child(Self.nodeName(item), of: ZooKeeperPath.child("items", of: path))
        let queue = PartitionItemQueue(client: client, path: itemPath)
        let lock = LeaseQueue(
            client: client, path: itemPath, identity: Array(name.utf8), kind: "lock-", rule: .exclusive,
            logger: logger)
        var repetition = Repetition()
        while true {
            try Task.checkCancellation()
            if standing.duty.isOver {
                if standing.end() { return }
                continue
            }
            try await wait(standing, queue) { duty, names in duty.isOver || duty.mayEnter(names) }
            let duty = standing.duty
            if duty.isOver { continue }
            let entered = ContinuousClock.now
            let owned = try await queueOnce(for: item, standing, queue, lock)
            // Also after a stay that this member ended itself: two members that go by swapped plans would else hand the
            // item to each other as fast as the tree writes. A lease that was handed back at once is a short stay, however
            // long this member had waited for it.
            let delay = repetition.delay(after: ContinuousClock.now - (owned ?? entered))
            try await pause(delay, standing, unlessChangedFrom: duty)
        }
    }

    /// Stands in the queue, and does the work when the item is this member's, until the lease is lost or the duty asks this
    /// member to leave.
    ///
    /// - Returns: Since when it owned the item; nil if it never did.
    private func queueOnce(
        for item: String, _ standing: PartitionStanding, _ queue: PartitionItemQueue, _ lock: LeaseQueue
    ) async throws -> ContinuousClock.Instant? {
        try await withThrowingTaskGroup(of: ContinuousClock.Instant?.self) { group in
            group.addTask { try await self.own(item, lock) }
            group.addTask {
                try await self.wait(standing, queue) { duty, names in duty.mustLeave(names, as: self.name) }
                return nil
            }
            var owned = try await group.next() ?? nil
            group.cancelAll()
            // The other one has given the lock up when it ends.
            do { while let other = try await group.next() { owned = owned ?? other } } catch is CancellationError {}
            return owned
        }
    }

    /// Waits, but not when the plan asks something else: that comes no faster than plans do.
    private func pause(
        _ delay: Duration, _ standing: PartitionStanding, unlessChangedFrom duty: PartitionDuty
    ) async throws {
        guard delay > .zero else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await Task.sleep(for: delay) }
            group.addTask { await standing.changed(from: duty) }
            await group.next()
            group.cancelAll()
        }
        try Task.checkCancellation()
    }

    /// Waits for the item, and does its work for as long as it is this member's.
    ///
    /// - Returns: Since when it was.
    private func own(_ item: String, _ lock: LeaseQueue) async throws -> ContinuousClock.Instant {
        let lease = try await acquire(item, lock)
        let owned = ContinuousClock.now
        let key = PartitionItemName(item)
        held.withLock { $0[key] = lease }
        await workRepeatedly(on: item, lease)
        held.withLock { if $0[key] == lease { $0[key] = nil } }
        await lock.releaseAndWait(lease)
        progress.send(())
        return owned
    }

    /// Begins the work again whenever it ends. The lock is kept meanwhile: the runner-up would take it, begin the work, and
    /// hand it back.
    private func workRepeatedly(on item: String, _ lease: Lease) async {
        var repetition = Repetition()
        while !Task.isCancelled, lease.isValid() {
            let began = ContinuousClock.now
            do {
                try await lease.run { try await self.work(item, $0) }
            } catch is CancellationError {
            } catch let lost as LeaseLost {
                logger.debug("partition work ended", metadata: ["item": "\(item)", "error": "\(lost)"])
            } catch {
                logger.info("partition work ended", metadata: ["item": "\(item)", "error": "\(error)"])
            }
            let delay = repetition.delay(after: ContinuousClock.now - began)
            // Under the lease, so that its loss ends the wait.
            if delay > .zero { try? await lease.run { _ in try await Task.sleep(for: delay) } }
        }
    }

    private func acquire(_ item: String, _ lock: LeaseQueue) async throws -> Lease {
        var attempt = Attempt(.service)
        while true {
            do {
                return try await lock.acquire()
            } catch let error as ZooKeeperError {
                logger.info("partition item", metadata: ["item": "\(item)", "error": "\(error)"])
                try await attempt.failed(error)
            }
        }
    }

    /// Waits until the duty and the queue are as wanted.
    private func wait(
        _ standing: PartitionStanding, _ queue: PartitionItemQueue,
        until isWanted: (PartitionDuty, _ queue: [String]) -> Bool
    ) async throws {
        var attempt = Attempt(.service)
        while true {
            try Task.checkCancellation()
            let duty = standing.duty
            guard duty.dependsOnQueue else {
                if isWanted(duty, []) { return }
                await standing.changed(from: duty)
                continue
            }
            do {
                let (names, watch) = try await queue.read()
                if isWanted(duty, names) { return }
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { _ = try? await watch.next() }
                    group.addTask { await standing.changed(from: duty) }
                    await group.next()
                    group.cancelAll()
                }
                attempt = Attempt(.service)
            } catch let error as ZooKeeperError {
                try await attempt.failed(error)
            }
        }
    }

    /// An item as the name of a node.
    static func nodeName(_ item: String) -> String {
        var name = "item-"
        for scalar in item.unicodeScalars {
            if scalar == "/" || scalar == "%" || scalar.value < 0x20 || scalar.value >= 0x7F {
                for byte in String(scalar).utf8 { name += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16) }
            } else {
                name.unicodeScalars.append(scalar)
            }
        }
        return name
    }
}
