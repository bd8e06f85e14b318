import Plant
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Asking the gateways for something, in the mailbox of the one who asks, and their answer.
struct RequestClient: Sendable {
    let client: ZooKeeperClient
    let clock: WaitingClock

    /// What became of a request.
    enum Outcome: Sendable, Hashable {
        case answered(RequestAnswer)
        /// Nobody has answered in time.
        case open
        /// It was deleted unanswered.
        case removed
    }

    /// An id for a request that nobody asks twice.
    static func newID() -> String { UUID().uuidString.lowercased() }

    /// Asks, and withdraws the request when there is no answer in time: nobody must act on it later, when the person has
    /// long gone.
    ///
    /// - Parameter request: under an id of its own (``newID()``): a request that is withdrawn must not be taken for another.
    /// - Throws: ``PlantFailure/unused``.
    func ask(_ request: Request, patience: Duration, withdraws: Bool = true) async throws -> Outcome {
        let place = RequestPlace(.mailbox, principal: request.by, id: request.id)
        // Watched before it is made, so that the quickest answer is not missed.
        let (_, watch) = try await client.existsAndWatch(place.path)
        let end = clock.now() + patience
        try await create(request, at: place, until: end)
        return try await answer(at: place.path, created: watch, until: end, withdraws: withdraws)
    }

    private func create(_ request: Request, at place: RequestPlace, until end: ContinuousClock.Instant) async throws {
        while true {
            do {
                _ = try await client.create(place.path, data: request.serialized())
                return
            } catch let error as ZooKeeperError where error.code == .nodeExists {
                // Ours: the answer to an earlier attempt was lost.
                return
            } catch let error as ZooKeeperError where error.code == .connectionLoss && clock.now() < end {
                continue
            } catch let error as ZooKeeperError where error.code == .noNode {
                // A plant has the root; the mailbox is made by its first user, where the tree lets everybody.
                guard try await client.exists(TreeLayout.requests) != nil else { throw PlantFailure.unused }
                try await client.ensurePath(place.mailbox)
            }
        }
    }

    private func answer(
        at path: String, created: Watch, until deadline: ContinuousClock.Instant, withdraws: Bool
    ) async throws -> Outcome {
        var watch = created
        while true {
            _ = try await clock.wait(for: watch, until: deadline)
            do {
                let (node, next) = try await client.getDataAndWatch(path)
                if let place = RequestPlace(path: path),
                    let answer = try? Request(parsing: node.data ?? [], at: place).answer
                {
                    _ = try? await client.delete(path)
                    return .answered(answer)
                }
                if clock.now() >= deadline {
                    if !withdraws { return .open }
                    if try await withdraw(path, version: node.stat.version) { return .open }
                    continue
                }
                watch = next
            } catch let error as ZooKeeperError where error.code == .noNode {
                return .removed
            }
        }
    }

    /// Takes a request back that had no answer when it was read in this version.
    ///
    /// - Returns: false when an answer has come in between.
    func withdraw(_ path: String, version: Int32) async throws -> Bool {
        do {
            try await client.delete(path, version: version)
            return true
        } catch let error as ZooKeeperError where error.code == .badVersion {
            return false
        }
    }

    /// Takes back what was asked for in a mailbox under a command's id and nobody has answered yet, and says what it was;
    /// nil when there is no such request.
    func withdraw(command id: String, of principal: String) async throws -> Request? {
        let mailbox = RequestPlace(.mailbox, principal: principal, id: "any").mailbox
        let walk = TreeWalk(client: client)
        let names = try await walk.children(of: mailbox).sorted()
        for (name, node) in zip(names, try await walk.data(of: names.map { mailbox + "/" + $0 })) {
            let place = RequestPlace(.mailbox, principal: principal, id: name)
            guard let node, let request = try? Request(parsing: node.data ?? [], at: place), request.answer == nil,
                request.commandID == id
            else { continue }
            do {
                if try await withdraw(place.path, version: node.stat.version) { return request }
            } catch let error as ZooKeeperError where error.code == .noNode {
                continue
            }
        }
        return nil
    }
}
