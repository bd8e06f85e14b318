import Plant
import Synchronization
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperRecipes

@testable import Gateway

@Suite("CommandService: a shard that is handed over while a command is on its way", .timeLimit(.minutes(2)))
struct CommandSettlingTests {
    typealias Bed = CommandTestBed

    @Test("it stays until the command is published and answered, and nothing more is sent")
    func settles() async throws {
        try await Bed.with { bed in
            let gate = Wake()
            let broker = ScriptedBroker { message in
                if message.topic.hasSuffix("/start") { for await _ in gate.turns { break } }
                return .acknowledged
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                let gateway = try await bed.gateway("g1", in: &group, broker: broker)
                let lease = try await gateway.own(Bed.press, in: &group)
                let shard = ShardMap.shard(of: Bed.press)
                try await bed.submit(Bed.request("a", "start"))
                try await eventually("SENT") { try await bed.record("a")?.state == .sent }
                let hasSettled = Mutex(false)
                group.addTask {
                    // No time for answers: publishing is waited for in any case.
                    await gateway.service.settle(shard, answersWithin: .zero)
                    hasSettled.withLock { $0 = true }
                }
                try await bed.submit(Bed.request("b", "setSpeed"))
                try await eventually("b is seen") { gateway.service.counters.open == 2 }
                #expect(!hasSettled.withLock { $0 } && lease.isValid(at: .now))
                gate.wake()
                try await eventually("the shard may go") { hasSettled.withLock { $0 } }
                #expect(gateway.published("start").count == 1)
                gateway.answer("a")
                #expect(try await bed.finish("a").state == .succeeded)
                await gateway.service.settle(shard, answersWithin: .seconds(60))
                #expect(gateway.published("setSpeed").isEmpty)
                #expect(try await bed.record("b")?.state == .requested)
                // The next owner sends it.
                gateway.service.shardLost(shard)
                gateway.service.shardGained(shard, lease: lease)
                try await eventually("b at the device") { gateway.published("setSpeed").count == 1 }
                group.cancelAll()
            }
        }
    }
}
