import Logging
import Plant
import Synchronization
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

@testable import Gateway

extension InATree {
    @Suite("ShardOwnership", .timeLimit(.minutes(5)))
    struct ShardOwnershipTests {
        private func ownership(_ bed: OwnershipTestBed, _ clock: GatewayClock = .system) -> ShardOwnership {
            ShardOwnership(client: bed.observer, gateway: "a", clock: clock, logger: bed.logger)
        }

        @Test("it owns what is wanted, tells each change, and gives the rest up")
        func wishes() async throws {
            try await OwnershipTestBed.with { bed, group in
                let shards = ownership(bed)
                let told = Lines()
                shards.observe { change in
                    switch change {
                    case .gained(let shard, _): told.append("+\(shard)")
                    case .lost(let shard): told.append("-\(shard)")
                    }
                }
                #expect(shards.isExpecting, "before the first word they may be to come")
                group.addTask { try await shards.run() }
                shards.want([3, 5])
                try await eventually("both") { shards.owned().mask == 1 << 3 | 1 << 5 }
                #expect(shards.lease(ofShard: 3) != nil && shards.lease(ofShard: 4) == nil)
                #expect(shards.lease(ofShard: 99) == nil)
                shards.want([5])
                try await eventually("one") { try await bed.observer.getChildren(TreeLayout.shard(3)).isEmpty }
                #expect(shards.owned().mask == 1 << 5)
                shards.want([])
                try await eventually("none") { shards.owned().mask == 0 }
                #expect(!shards.isExpecting)
                #expect(Set(told.all.prefix(2)) == ["+3", "+5"] && told.all.suffix(2) == ["-3", "-5"])
            }
        }

        @Test("a shard is owned until its drain is over; a drain that hangs is not waited for longer than the limit")
        func drains() async throws {
            try await OwnershipTestBed.with { bed, group in
                let fake = FakeClock()
                let shards = ownership(bed, GatewayClock(fake))
                let (gate, open) = AsyncStream.makeStream(of: Void.self)
                shards.beforeRelease { shard in
                    if shard == 1 {
                        for await _ in gate { break }
                    } else {
                        // Until it is cancelled.
                        try? await Task.sleep(for: .seconds(3_600))
                    }
                }
                group.addTask { try await shards.run() }
                shards.want([1, 2])
                try await eventually("both") { shards.owned().mask == 0b110 }
                shards.want([])
                // The limits of both drains.
                try await eventually("the drains") { fake.sleeperCount == 2 }
                #expect(shards.owned().mask == 0b110)
                open.yield()
                try await eventually("the first is free") {
                    try await bed.observer.getChildren(TreeLayout.shard(1)).isEmpty
                }
                #expect(shards.owned().mask == 0b100)
                fake.advance(by: ShardOwnership.drainLimit)
                try await eventually("the second is free") {
                    try await bed.observer.getChildren(TreeLayout.shard(2)).isEmpty
                }
            }
        }

        @Test("what settles before the drain is not cut off, and the shard is owned meanwhile")
        func settles() async throws {
            try await OwnershipTestBed.with { bed, group in
                let fake = FakeClock()
                let shards = ownership(bed, GatewayClock(fake))
                let (gate, steps) = (Wake(), Lines())
                shards.settleFirst { _ in
                    steps.append("settle")
                    for await _ in gate.turns { break }
                }
                shards.beforeRelease { _ in steps.append("drain") }
                group.addTask { try await shards.run() }
                shards.want([1])
                try await eventually("the shard") { shards.owned().mask == 0b10 }
                shards.want([])
                try await eventually("it settles") { steps.all == ["settle"] }
                #expect(fake.sleeperCount == 0 && shards.owned().mask == 0b10, "no limit runs")
                gate.wake()
                try await eventually("it is free") {
                    try await bed.observer.getChildren(TreeLayout.shard(1)).isEmpty
                }
                #expect(steps.all == ["settle", "drain"])
            }
        }
    }

    /// Lines that a closure adds.
    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        func append(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }
}
