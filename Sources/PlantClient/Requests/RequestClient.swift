import Plant
import ZooKeeperClient
import ZooKeeperProtocol

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
    /// Asking again for the same under the same id is harmless.
    ///
    /// - Throws: ``PlantFailure/unused``, ``PlantFailure/idTaken(_:)``.
    func ask(_ request: Request, patience: Duration, withdraws: Bool = true) async throws -> Outcome {
        let place = RequestPlace(.mailbox, principal: request.by, id: request.id)
        // Watched before it is made, so that the quickest answer is not missed.
        let (_, watch) = try await client.existsAndWatch(place.path)
        try await create(request, at: place)
        return try await answer(at: place.path, created: watch, until: clock.now() + patience, withdraws: withdraws)
    }

    private func create(_ request: Request, at place: RequestPlace) async throws {
        while true {
            do {
                _ = try await client.create(place.path, data: request.serialized())
                return
            } catch let error as ZooKeeperError where error.code == .nodeExists {
                let node: NodeData
                do { node = try await client.getData(place.path) } catch let error as ZooKeeperError
                    where error.code == .noNode
                { continue }
                guard let earlier = try? Request(parsing: node.data ?? [], at: place), request.repeats(earlier) else {
                    throw PlantFailure.idTaken(request.id)
                }
                return
            } catch let error as ZooKeeperError where error.code == .noNode {
                // A plant has the root; the mailbox is made by whoever uses it first, where the tree lets everybody.
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

    /// Takes a request back that nobody has answered yet, and says what it asked for; nil when there is none.
    func withdraw(_ id: String, of principal: String) async throws -> Request? {
        let place = RequestPlace(.mailbox, principal: principal, id: id)
        do {
            let node = try await client.getData(place.path)
            guard let request = try? Request(parsing: node.data ?? [], at: place), request.answer == nil,
                try await withdraw(place.path, version: node.stat.version)
            else { return nil }
            return request
        } catch let error as ZooKeeperError where error.code == .noNode {
            return nil
        }
    }
}
