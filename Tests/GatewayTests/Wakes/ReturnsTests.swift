import MQTT
import TestFixtures
import Testing
import ZooKeeperClient

@testable import Gateway

/// Whatever has been away and comes back wakes everything that may have waited for it.
@Suite("Returns")
struct ReturnsTests {
    enum Cause: CaseIterable { case tree, listening, publishing, term, shard }
    enum Waiting: CaseIterable {
        case mirror, alarms, announcer, marking, devices, retained

        func wake(of wakes: ServiceWakes) -> Wake {
            switch self {
            case .mirror: wakes.mirror
            case .alarms: wakes.alarms
            case .announcer: wakes.deliveries[0]
            case .marking: wakes.deliveries[1]
            case .devices: wakes.devices
            case .retained: wakes.retained
            }
        }
    }

    @Test("Every return wakes every service", arguments: Cause.allCases, Waiting.allCases)
    func pairs(cause: Cause, waiting: Waiting) async throws {
        let wakes = ServiceWakes(deliveries: [Wake(), Wake()])
        let (tree, treeSink) = AsyncStream.makeStream(of: ConnectionState.self)
        let (listening, listeningSink) = AsyncStream.makeStream(of: MQTTConnectionState.self)
        let (publishing, publishingSink) = AsyncStream.makeStream(of: MQTTConnectionState.self)
        let (term, shards) = (Wake(), Wake())
        let returns = Returns(
            wakes: wakes, tree: { tree }, broker: [{ listening }, { publishing }], term: term, shards: shards)
        let woken = Collected<Void>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await returns.run() }
            group.addTask { await woken.follow(waiting.wake(of: wakes).turns) }
            switch cause {
            case .tree:
                treeSink.yield(.connecting)
                treeSink.yield(.connected(SessionInfo(id: 1, password: [], negotiatedTimeout: .seconds(1))))
            case .listening:
                listeningSink.yield(.connecting)
                listeningSink.yield(.connected(sessionPresent: true))
            case .publishing: publishingSink.yield(.connected(sessionPresent: false))
            case .term: term.wake()
            case .shard: shards.wake()
            }
            try await eventually("\(waiting) is woken by \(cause)") { woken.all.count >= 1 }
            group.cancelAll()
        }
    }
}
