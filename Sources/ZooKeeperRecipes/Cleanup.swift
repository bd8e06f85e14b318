import ZooKeeperClient
import ZooKeeperProtocol

/// What has to be done before somebody leaves, whatever happens to its task.
enum Cleanup {
    /// Repeats `work` until it succeeds, or has become pointless because the session is over: expired, closed with the
    /// client, or cut off for longer than a server keeps it.
    static func untilDone(
        _ client: ZooKeeperClient, sessionID: Int64?, _ work: @escaping @Sendable () async throws -> Void
    ) async {
        // A task of its own because this is what has to be done when the current one is cancelled.
        await Task {
            var attempt = Attempt()
            while let session = client.session, session.id == sessionID {
                do { try await client.waitUntilConnected(timeout: session.negotiatedTimeout) } catch { return }
                do {
                    return try await work()
                } catch let error as ZooKeeperError {
                    if [.noNode, .sessionExpired].contains(error.code) { return }
                    do { try await attempt.failed(error) } catch { return }
                } catch {
                    return
                }
            }
        }.value
    }
}
