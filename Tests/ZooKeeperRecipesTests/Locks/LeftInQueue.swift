import TestFixtures
import Testing
import ZooKeeperClient

/// What a candidate that gave up has left in its queue.
enum LeftInQueue {
    /// How long `giveUp` takes.
    static func timed(_ giveUp: () async throws -> Void) async rethrows -> Duration {
        let start = ContinuousClock.now
        try await giveUp()
        return .now - start
    }

    /// Expects as many nodes as stay: at once, or, when giving up took as long as a candidate waits for a server that
    /// does not answer, as soon as one does.
    static func expect(
        _ count: Int, in path: String, _ client: ZooKeeperClient, after waited: Duration
    ) async throws {
        if waited < .seconds(2) {
            #expect(try await client.getChildren(path).count == count)
        } else {
            try await eventually("the node is gone") { try await client.getChildren(path).count == count }
        }
    }
}
