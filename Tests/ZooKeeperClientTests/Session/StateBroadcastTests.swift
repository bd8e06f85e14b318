import TestFixtures
import Testing

@testable import ZooKeeperClient

@Suite("State broadcast")
struct StateBroadcastTests {
    @Test func followersGetTheCurrentValueAndEachChangeInOrder() async {
        let broadcast = StateBroadcast(0, bound: 1000)
        broadcast.send(1)
        let stream = broadcast.updates()
        let quiet = broadcast.updates { $0 > 1 }
        for value in 2...100 { broadcast.send(value) }
        broadcast.send(-1, transient: true)
        broadcast.finish()
        #expect(await stream.reduce(into: []) { $0.append($1) } == Array(1...100) + [-1])
        #expect(await quiet.reduce(into: []) { $0.append($1) } == Array(2...100) + [-1])
        #expect(broadcast.value == 100)
        #expect(await broadcast.updates().reduce(into: []) { $0.append($1) } == [100])
    }

    /// A sender that yielded under its lock waited for the task that was being cancelled, whose handler waited for the
    /// lock.
    @Test func cancellingFollowersWhileValuesAreSentBlocksNobody() async throws {
        let broadcast = StateBroadcast(0, bound: 16)
        await withTaskGroup(of: Void.self) { group in
            for sender in 0..<2 {
                group.addTask { for value in 0..<20_000 { broadcast.send(value &* (sender + 1)) } }
            }
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<1000 {
                        let follower = Task { for await _ in broadcast.updates() {} }
                        await Task.yield()
                        follower.cancel()
                        await follower.value
                    }
                }
            }
        }
        broadcast.finish()
    }
}
