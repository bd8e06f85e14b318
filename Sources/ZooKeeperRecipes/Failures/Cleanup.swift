import ZooKeeperClient
import ZooKeeperProtocol

/// What has to be done before somebody leaves, whatever happens to its task.
///
/// It is repeated until it succeeds, or has become pointless because the session is over.
struct Cleanup: Sendable {
    private let client: ZooKeeperClient
    private let mayReturn: StateBroadcast<Bool>

    /// Waits until it is done, or the servers have been out of reach for a session timeout; cancelled or not.
    ///
    /// The work goes on even so: nobody may conclude from a long silence that the session is over. An ensemble that has
    /// lost its leader, or a server that was restarted, grants every session its whole timeout anew, and what was left in
    /// the tree would stay there, and block everybody, for as long as this client lives.
    ///
    /// - Parameter limit: Waits for so long at most; for whoever has to keep to a time of its own.
    func wait(within limit: Duration? = nil) async {
        // Not ended by cancellation.
        await Task {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { for await isAllowed in mayReturn.updates() where isAllowed { return } }
                group.addTask { await silence() }
                if let limit { group.addTask { try? await Task.sleep(for: limit) } }
                await group.next()
                group.cancelAll()
            }
        }.value
    }

    /// How long somebody who is cancelled, or whose time is up, waits for servers that may not answer.
    static let patience = Duration.seconds(2)

    /// Returns when the servers have been out of reach for a session timeout. A request that waits for them says so only
    /// at its deadline.
    private func silence() async {
        while let session = client.session {
            do {
                try await client.waitUntilConnected(timeout: session.negotiatedTimeout)
                try await Task.sleep(for: session.negotiatedTimeout / 8)
            } catch {
                return
            }
        }
    }

    /// Does `work`, repeatedly, and waits.
    static func untilDone(
        _ client: ZooKeeperClient, sessionID: Int64?, within limit: Duration? = nil,
        _ work: @escaping @Sendable () async throws -> Void
    ) async {
        await start(client) { await repeatUntilDone(client, sessionID: sessionID, $0, work) }.wait(within: limit)
    }

    /// Deletes an ephemeral node: the first request is on its way when this returns, so that whatever this client asks
    /// for afterwards is answered behind it. It is repeated until the node is known to be gone.
    @discardableResult
    static func delete(_ path: String, client: ZooKeeperClient, sessionID: Int64?) -> Cleanup {
        let first = client.session?.id == sessionID ? try? client.startDelete(path) : nil
        return start(client) { mayReturn in
            if let first {
                do {
                    return try await first.value()
                } catch let error as ZooKeeperError {
                    if [.noNode, .sessionExpired].contains(error.code) { return }
                } catch {}
            }
            await repeatUntilDone(client, sessionID: sessionID, mayReturn) { try await client.delete(path) }
        }
    }

    /// The same for somebody who does not wait, and who is likely to ask for something else at once: the request leaves
    /// together with the next one, or alone a moment later.
    static func deleteSoon(_ path: String, client: ZooKeeperClient, sessionID: Int64?) {
        guard client.session?.id == sessionID, let first = try? client.startDelete(path, isUrgent: false) else {
            return
        }
        first.whenAnswered { result in
            guard case .failure(let error) = result else { return }
            if let error = error as? ZooKeeperError, [.noNode, .sessionExpired].contains(error.code) { return }
            _ = start(client) { mayReturn in
                await repeatUntilDone(client, sessionID: sessionID, mayReturn) { try await client.delete(path) }
            }
        }
    }

    private static func start(
        _ client: ZooKeeperClient, _ work: @escaping @Sendable (StateBroadcast<Bool>) async -> Void
    ) -> Cleanup {
        let mayReturn = StateBroadcast(false, bound: 1)
        // A task of its own because this is what has to be done when the current one is cancelled.
        Task {
            await work(mayReturn)
            mayReturn.send(true)
        }
        return Cleanup(client: client, mayReturn: mayReturn)
    }

    private static func repeatUntilDone(
        _ client: ZooKeeperClient, sessionID: Int64?, _ mayReturn: StateBroadcast<Bool>,
        _ work: @Sendable () async throws -> Void
    ) async {
        // Also while a disk is full: nothing else removes the node.
        var attempt = Attempt(.service)
        while let session = client.session, session.id == sessionID {
            do {
                try await client.waitUntilConnected(timeout: session.negotiatedTimeout)
            } catch let error as ZooKeeperError where error.code == .connectionLoss || error.code == .tlsFailed {
                mayReturn.send(true)
                // A client that has ended says the same, and for good.
                if client.state == .closed { return }
                continue
            } catch {
                return
            }
            do {
                return try await work()
            } catch let error as ZooKeeperError {
                if [.noNode, .sessionExpired].contains(error.code) { return }
                do { try await attempt.failed(error) } catch { return }
            } catch {
                return
            }
        }
    }
}
