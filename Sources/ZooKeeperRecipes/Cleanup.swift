import ZooKeeperClient
import ZooKeeperProtocol

/// What has to be done before somebody leaves, whatever happens to its task.
enum Cleanup {
    /// Repeats `work` until it succeeds, or has become pointless because the session is over.
    ///
    /// Returns then, or when the servers have been out of reach for a session timeout. The work goes on even so: nobody
    /// may conclude from a long silence that the session is over. An ensemble that has lost its leader, or a server
    /// that was restarted, grants every session its whole timeout anew, and what was left in the tree would stay there,
    /// and block everybody, for as long as this client lives.
    static func untilDone(
        _ client: ZooKeeperClient, sessionID: Int64?, _ work: @escaping @Sendable () async throws -> Void
    ) async {
        let mayReturn = StateBroadcast(false, bound: 1)
        // A task of its own because this is what has to be done when the current one is cancelled.
        Task {
            defer { mayReturn.send(true) }
            var attempt = Attempt()
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
        // Not ended by cancellation either.
        await Task { for await isAllowed in mayReturn.updates() where isAllowed { return } }.value
    }
}
