import MQTT
import Plant
import Synchronization
import TestFixtures
import Testing
import ZooKeeperRecipes

@testable import Gateway

@Suite("The link to the broker, as ownership sees it")
struct BrokerLinkTests {
    /// What was told, in order.
    private final class Told: Sendable {
        private let all = Mutex<[Bool]>([])
        func append(_ isUp: Bool) { all.withLock { $0.append(isUp) } }
        var last: Bool? { all.withLock { $0.last } }
        var count: Int { all.withLock { $0.count } }
    }

    @Test("it stands when both connections do, every subscription has been granted and the broker is not silent")
    func parts() async throws {
        let (statuses, status) = AsyncStream.makeStream(of: MQTTSubscriptionStatus.self)
        let (states, state) = AsyncStream.makeStream(of: MQTTConnectionState.self)
        let told = Told()
        let (silences, silence) = AsyncStream.makeStream(of: Bool.self)
        let link = BrokerLinkState(subscriber: { statuses }, publisher: { states }, silence: { silences })
        let follower = Task { await link.follow { told.append($0) } }
        func expect(_ isUp: Bool, _ change: () -> Void) async throws {
            let before = told.count
            change()
            try await eventually("a word") { told.count == before + 1 }
            #expect(told.last == isUp)
        }
        try await expect(false) { status.yield(MQTTSubscriptionStatus(connected: true, pending: 0, refused: [:])) }
        try await expect(true) { state.yield(.connected(sessionPresent: false)) }
        try await expect(false) { status.yield(MQTTSubscriptionStatus(connected: true, pending: 1, refused: [:])) }
        try await expect(true) { status.yield(MQTTSubscriptionStatus(connected: true, pending: 0, refused: [:])) }
        try await expect(false) {
            status.yield(MQTTSubscriptionStatus(connected: true, pending: 0, refused: ["a/#": .notAuthorized]))
        }
        try await expect(true) { status.yield(MQTTSubscriptionStatus(connected: true, pending: 0, refused: [:])) }
        try await expect(false) { silence.yield(true) }
        try await expect(true) { silence.yield(false) }
        try await expect(false) { state.yield(.disconnected(.timedOut("a ping"))) }
        follower.cancel()
        await follower.value
    }

    @Test("an elected processor wants its connections at once, each time")
    func elected() async throws {
        let (events, sink) = AsyncStream.makeStream(of: LeadershipEvent.self)
        let told = Told()
        let service = ElectedLink(elected: { events }, connectNow: { told.append(true) })
        let task = Task { try await service.run() }
        sink.yield(.lost(.resigned))
        sink.yield(.lost(.sessionExpired))
        try await InATree.lease { lease in
            sink.yield(.elected(lease))
            sink.yield(.elected(lease))
            try await eventually("two wishes") { told.count == 2 }
        }
        task.cancel()
        _ = await task.result
    }
}

extension InATree {
    /// Calls `body` with a lease of the alarm processor.
    static func lease(_ body: @Sendable (Lease) async throws -> Void) async throws {
        try await OwnershipTestBed.with { bed, group in
            let election = LeaderElection(
                client: bed.observer, path: TreeLayout.alarmProcessor, identity: Array("a".utf8), logger: bed.logger)
            group.addTask { try await election.run() }
            try await body(try await eventuallyValue("the lease") { election.lease })
        }
    }
}
