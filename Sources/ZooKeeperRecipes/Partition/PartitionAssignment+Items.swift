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
        var delay = Duration.milliseconds(10)
        while true {
            try Task.checkCancellation()
            if standing.duty.isOver {
                if standing.end() { return }
                continue
            }
            try await wait(standing, queue) { duty, names in duty.isOver || duty.mayEnter(names) }
            if standing.duty.isOver { continue }
            let began = ContinuousClock.now
            let isAskedToLeave = try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    try await self.workOnce(item, lock)
                    return false
                }
                group.addTask {
                    try await self.wait(standing, queue) { duty, names in duty.mustLeave(names, as: self.name) }
                    return true
                }
                let first = try await group.next() ?? false
                group.cancelAll()
                // The other one has given the lock up when it ends.
                do { try await group.waitForAll() } catch is CancellationError {}
                return first
            }
            delay = ContinuousClock.now - began > .seconds(2) ? .milliseconds(10) : min(delay * 2, .seconds(1))
            if !isAskedToLeave { try await Task.sleep(for: delay) }
        }
    }

    /// Waits for the item, and does its work once.
    private func workOnce(_ item: String, _ lock: LeaseQueue) async throws {
        let lease = try await acquire(item, lock)
        held.withLock { $0[item] = lease }
        do {
            try await lease.run { try await self.work(item, $0) }
        } catch is CancellationError {
        } catch let lost as LeaseLost {
            logger.debug("partition work ended", metadata: ["item": "\(item)", "error": "\(lost)"])
        } catch {
            logger.info("partition work ended", metadata: ["item": "\(item)", "error": "\(error)"])
        }
        held.withLock { if $0[item] == lease { $0[item] = nil } }
        await lock.releaseAndWait(lease)
        progress.send(())
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
