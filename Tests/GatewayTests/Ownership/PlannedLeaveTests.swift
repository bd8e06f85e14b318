import Logging
import Plant
import ServiceLifecycle
import Synchronization
import TestFixtures
import Testing

@testable import Gateway

@Suite("A stop hands over first", .timeLimit(.minutes(1)))
struct PlannedLeaveTests {
    /// What the service sees, and what it did.
    private final class World: Sendable {
        struct State {
            var shards = 22
            var isProcessor = true
            /// Whether it stands behind an owner.
            var isQueued = false
            var obstacle: LeavingObstacle?
            var isTreeConnected = true
            var leaves = 0
        }

        let state = Mutex(State())
        let log = LogLines()
        let clock = FakeClock()

        var service: PlannedLeave {
            PlannedLeave(
                leave: { self.state.withLock { $0.leaves += 1 } },
                departure: {
                    self.state.withLock { state in
                        let holdings = OwnershipHoldings(shards: state.shards, isProcessor: state.isProcessor)
                        return OwnershipService.Departure(
                            holdings: holdings, isDrained: holdings.isEmpty && !state.isQueued, obstacle: state.obstacle
                        )
                    }
                }, isTreeConnected: { self.state.withLock { $0.isTreeConnected } }, clock: GatewayClock(clock),
                logger: log.logger)
        }

        func handOver() {
            state.withLock { state in
                state.shards = 0
                state.isProcessor = false
            }
        }
    }

    private func said(_ world: World, _ text: String) -> Bool { world.log.count(text) == 1 }

    /// Stops the service; `meanwhile` is called while it hands over, until it has ended.
    private func stop(_ world: World, meanwhile: () async throws -> Void = {}) async throws {
        let services = ServiceGroup(
            configuration: .init(services: [.init(service: world.service)], logger: Logger(label: "test")))
        async let running: Void = services.run()
        await services.triggerGracefulShutdown()
        try await meanwhile()
        try await running
    }

    @Test("it returns as soon as everything is handed over, and says what that was")
    func handsOver() async throws {
        let world = World()
        try await stop(world) {
            try await eventually("it waits") { world.clock.sleeperCount == 1 }
            world.clock.advance(by: .milliseconds(100))
            try await eventually("it waits again") { world.clock.sleeperCount == 1 }
            world.handOver()
            world.clock.advance(by: .milliseconds(20))
        }
        #expect(world.state.withLock { $0.leaves } == 1)
        #expect(said(world, "handed everything over before stopping"), "\(world.log.all)")
        #expect(said(world, #""shards": 22"#), "\(world.log.all)")
    }

    @Test("it gives up after five seconds, and says what is left")
    func limit() async throws {
        let world = World()
        try await stop(world) {
            try await eventually("it waits") { world.clock.sleeperCount == 1 }
            world.state.withLock { $0.shards = 3 }
            world.clock.advance(by: PlannedLeave.limit)
        }
        #expect(said(world, "could not hand everything over before stopping"), "\(world.log.all)")
        #expect(said(world, #""shards": 3"#), "\(world.log.all)")
    }

    @Test("where nobody can take over, or the tree is away, it costs no time and nothing is asked for")
    func nobody() async throws {
        let world = World()
        world.state.withLock { $0.obstacle = OwnershipPlan([]).obstacle(toLeaving: "a") }
        try await stop(world)
        let away = World()
        away.state.withLock { $0.isTreeConnected = false }
        try await stop(away)
        for world in [world, away] {
            #expect(world.state.withLock { $0.leaves } == 0)
            #expect(said(world, "stops without handing over"), "\(world.log.all)")
        }
        #expect(said(world, "no other gateway is registered"), "\(world.log.all)")
        #expect(said(away, "the tree cannot be reached"), "\(away.log.all)")
    }

    @Test("it waits no longer once the others have gone")
    func othersGone() async throws {
        let world = World()
        try await stop(world) {
            try await eventually("it waits") { world.clock.sleeperCount == 1 }
            world.state.withLock { $0.obstacle = OwnershipPlan([]).obstacle(toLeaving: "a") }
            world.clock.advance(by: PlannedLeave.look)
        }
        #expect(said(world, "could not hand everything over before stopping"), "\(world.log.all)")
    }

    @Test("one that owns nothing leaves as well, and returns once it stands in no queue; there is nothing to say")
    func empty() async throws {
        let world = World()
        world.handOver()
        world.state.withLock { $0.isQueued = true }
        try await stop(world) {
            try await eventually("it waits") { world.clock.sleeperCount == 1 }
            #expect(world.state.withLock { $0.leaves } == 1)
            world.state.withLock { $0.isQueued = false }
            world.clock.advance(by: PlannedLeave.look)
        }
        #expect(world.state.withLock { $0.leaves } == 1 && world.log.all.isEmpty, "\(world.log.all)")
    }

    @Test("where others are there that cannot take over now, it leaves and does not wait")
    func othersCannot() async throws {
        let other = GatewayMember(
            name: "b", life: GatewayLife(gateway: "b", key: "1"), registration: 1, isReady: false, isSettled: false,
            routesDigest: "r", started: 1, isOlder: false)
        let world = World()
        world.state.withLock { $0.obstacle = OwnershipPlan([other]).obstacle(toLeaving: "a") }
        try await stop(world)
        #expect(world.state.withLock { $0.leaves } == 1)
        #expect(said(world, "stops without handing over"), "\(world.log.all)")
    }
}
