import Synchronization
import TestFixtures
import ZooKeeperClient
import ZooKeeperRecipes

/// A candidate on its own task, and what it told.
final class RunningElection: Sendable {
    let election: LeaderElection
    private let collected = Collected<LeadershipEvent>()
    private let task: Task<Void, any Error>
    private let follower: Task<Void, Never>

    init(_ client: ZooKeeperClient, path: String = "/election", identity: String = "me") {
        let election = LeaderElection(client: client, path: path, identity: identity.bytes, logger: TestTree.logger)
        let collected = collected
        self.election = election
        // Listened to from the start, however late its task comes to run.
        let events = election.events()
        // Ended by ``stop()``, which every test calls.
        task = Task { try await election.run() }
        follower = Task { await collected.follow(events) }
    }

    var lease: Lease? { election.lease }
    var events: [LeadershipEvent] { collected.all }

    /// Waits until it leads.
    func elected(within deadline: Duration = .seconds(15)) async throws -> Lease {
        try await eventuallyValue("elected", within: deadline, every: .milliseconds(2), seen: { "\(self.events)" }) {
            self.election.lease
        }
    }

    /// Cancels it and waits until it has left.
    func stop() async {
        task.cancel()
        _ = await task.result
        follower.cancel()
    }
}
