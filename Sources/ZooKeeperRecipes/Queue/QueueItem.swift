import ZooKeeperClient
public import ZooKeeperProtocol

/// An item of a ``DistributedQueue`` that this worker has claimed.
///
/// It stays claimed until it is finished, given back, or the session ends; ``DistributedQueue/withItem(timeout:_:)`` sees to
/// one of these whatever the work comes to.
public struct QueueItem: Sendable {
    /// The item's node.
    public let path: String
    /// What was put.
    public let data: [UInt8]
    /// How many times the item has been claimed, this one included.
    public let attempt: Int
    /// The claim. Its ``Lease/guarded(_:)`` demands that the item is still this worker's.
    public let lease: Lease
    let client: ZooKeeperClient
    let version: Int32

    /// Deletes the item together with the claim and carries out `operations`, all in one transaction.
    ///
    /// - Throws: ``LeaseLost`` when the item is not this worker's any more: nothing was changed, and another one has it or
    ///   will. ``/ZooKeeperClient/ZooKeeperError`` when one of the operations fails; the claim stands. ``OutcomeUnknown``
    ///   when the answer was lost and the session with it. `CancellationError`: nobody can tell whether it was
    ///   finished, and ``LeaseLost`` from another call does not mean that it was not.
    public func finish(_ operations: [ZooKeeperProtocol.Operation] = []) async throws {
        let all =
            lease.grant.checks + operations + [.delete(path: path, version: version), .delete(path: lease.path)]
        var isSent = false
        while true {
            guard isSent || lease.isValid() else {
                throw LeaseLost(path: lease.path, reason: lease.grant.loss ?? .deadlinePassed)
            }
            do {
                try await client.transaction(all)
                return lease.grant.lose(.resigned)
            } catch var error as ZooKeeperError {
                // A session's end reaches only what was not sent. What was sent before is another matter.
                if error.isOutcomeUnknown || (isSent && error.transactionIndex == nil) {
                    isSent = true
                    if try await isFinished(after: error) { return lease.grant.lose(.resigned) }
                    continue
                }
                if error.code == .sessionExpired { throw LeaseLost(path: lease.path, reason: .sessionExpired) }
                guard let index = error.transactionIndex else { throw error }
                if index < lease.grant.checks.count {
                    lease.grant.lose(.nodeDeleted)
                    throw LeaseLost(path: lease.path, reason: .nodeDeleted)
                }
                error.transactionIndex = index - lease.grant.checks.count
                throw error
            }
        }
    }

    /// After a lost answer. The claim goes with the session or with our transaction: as long as the session is the same,
    /// an item that is gone is one that we have finished. Afterwards another worker may have.
    private func isFinished(after error: ZooKeeperError) async throws -> Bool {
        let end = ContinuousClock.now + OutcomeUnknown.patience(client)
        var attempt = Attempt()
        while ContinuousClock.now < end {
            do {
                try await client.sync(path)
                let isThere = try await client.exists(path) != nil
                if client.session?.id == lease.sessionID { return !isThere }
                // Its name is never used again: it has not been finished by anybody.
                if isThere { throw LeaseLost(path: lease.path, reason: .sessionExpired) }
                break
            } catch let error as ZooKeeperError {
                do { try await attempt.failed(error) } catch { break }
            } catch is CancellationError {
                break
            }
        }
        throw OutcomeUnknown(path: path, cause: error)
    }

    /// Leaves the item to the next worker.
    public func giveBack() async { await giveBack(within: nil) }

    func giveBack(within limit: Duration?) async {
        lease.grant.lose(.resigned)
        await Cleanup.untilDone(client, sessionID: lease.sessionID, within: limit) {
            do {
                // The claim's name is used again: it may be another worker's, if somebody has deleted this one's.
                try await client.transaction([.check(path: path, version: version), .delete(path: lease.path)])
            } catch let error as ZooKeeperError where error.code == .badVersion {}
        }
    }
}
