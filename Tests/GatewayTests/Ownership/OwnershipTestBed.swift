import Logging
import MQTT
import Plant
import Synchronization
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

@testable import Gateway

/// A tree in this process, an observer at it, and gateways that are nothing but their ownership: registration, candidacies,
/// takeover. What the broker would say, the test says.
final class OwnershipTestBed: Sendable {
    private let tree: TreeBed

    var observer: ZooKeeperClient { tree.operatorClient }
    var logger: Logger { tree.logger }

    private init(_ tree: TreeBed) { self.tree = tree }

    /// Runs `body` beside a tree server; everything is gone afterwards.
    static func with(
        _ body: @Sendable (OwnershipTestBed, inout ThrowingTaskGroup<Void, any Error>) async throws -> Void
    ) async throws {
        try await TreeBed.with { tree, group in try await body(OwnershipTestBed(tree), &group) }
    }

    /// One gateway's ownership.
    final class TestGateway: Sendable {
        let identity: GatewayIdentity
        let client: ZooKeeperClient
        let membership: Membership
        let shards: ShardOwnership
        let election: LeaderElection
        let takeover: FastTakeover
        let ownership: OwnershipService
        let subscriptions: AsyncStream<MQTTSubscriptionStatus>.Continuation
        let connection: AsyncStream<MQTTConnectionState>.Continuation
        /// Shards for which the drain before a release was asked for.
        let drained = Mutex<[Int]>([])

        fileprivate init(
            _ name: String, client: ZooKeeperClient, life: String, proof: GatewayIdentity.ProcessProof?, routes: String,
            weight: Int, bed: OwnershipTestBed
        ) {
            var identity = GatewayIdentity.ofThisProcess(gateway: name, version: "test", started: 1)
            identity.life = life
            identity.proof = proof ?? identity.proof
            self.identity = identity
            self.client = client
            let record = GatewayRecord(
                identity: identity, isReady: false, isSettled: false, routesDigest: routes, weight: weight)
            let membership = Membership(
                client: client, path: TreeLayout.gateways, name: name, data: record.serialized(),
                mayReplace: { [identity] in identity.provesDeath(of: $0) }, logger: bed.logger)
            let shards = ShardOwnership(client: client, gateway: name, logger: bed.logger)
            let election = LeaderElection(
                client: client, path: TreeLayout.alarmProcessor, identity: Array(name.utf8), logger: bed.logger)
            election.setStanding(false)
            let takeover = FastTakeover(client: client, gateway: name, logger: bed.logger)
            let (statuses, subscriptions) = AsyncStream.makeStream(of: MQTTSubscriptionStatus.self)
            let (states, connection) = AsyncStream.makeStream(of: MQTTConnectionState.self)
            self.membership = membership
            self.shards = shards
            self.election = election
            self.takeover = takeover
            self.subscriptions = subscriptions
            self.connection = connection
            let permit = Permit()
            self.permit = permit
            ownership = OwnershipService(
                client: client, record: record, membership: membership,
                link: BrokerLinkState(
                    subscriber: { statuses }, publisher: { states }, silence: { AsyncStream { _ in } }),
                hands: .init(
                    want: { shards.want($0) }, standForProcessor: { election.setStanding($0) },
                    connect: { permit.set($0) }, membersSeen: { takeover.membersSeen($0) }),
                health: FailureBoard(clock: .system, logger: bed.logger), logger: bed.logger)
            let ownership = ownership
            takeover.lookUp { ownership.candidates(ofSession: $0) }
        }

        /// Whether the connections to the broker may be made.
        final class Permit: Sendable {
            private let state = Mutex(false)
            func set(_ mayConnect: Bool) { state.withLock { $0 = mayConnect } }
            var mayConnect: Bool { state.withLock { $0 } }
        }

        let permit: Permit

        func setLink(_ isUp: Bool) {
            subscriptions.yield(.granted(isUp))
            connection.yield(isUp ? .connected(sessionPresent: true) : .connecting)
        }

        var ownedShards: Set<Int> {
            let mask = shards.owned().mask
            return Set((0..<TreeLayout.shardCount).filter { mask >> UInt64($0) & 1 == 1 })
        }

        func hint() -> GatewayNotice { GatewayNotice(identity, .offline) }
    }

    /// Starts a gateway in `group`.
    func gateway(
        _ name: String, life: String = "1", proof: GatewayIdentity.ProcessProof? = nil, routes: String = "r",
        isLinkUp: Bool = true, weight: Int = 1, in group: inout ThrowingTaskGroup<Void, any Error>
    ) async throws -> TestGateway {
        let client = try await tree.client(in: &group)
        let gateway = TestGateway(
            name, client: client, life: life, proof: proof, routes: routes, weight: weight, bed: self)
        gateway.shards.beforeRelease { shard in gateway.drained.withLock { $0.append(shard) } }
        if isLinkUp { gateway.setLink(true) }
        group.addTask { try await gateway.membership.run() }
        group.addTask { try await gateway.shards.run() }
        group.addTask { try await gateway.election.run() }
        group.addTask { try await gateway.ownership.run() }
        return gateway
    }

    /// The registration of a gateway; nil when there is none.
    func registration(_ name: String) async throws -> (record: GatewayRecord, sessionID: Int64, czxid: Int64)? {
        do {
            let node = try await observer.getData(TreeLayout.gateway(name))
            return GatewayRecord(parsing: node.data ?? [], name: name).map {
                ($0, node.stat.ephemeralOwner, node.stat.czxid)
            }
        } catch let error as ZooKeeperError where error.code == .noNode {
            return nil
        }
    }
}

extension MQTTSubscriptionStatus {
    /// Of a connection whose subscriptions have been granted, or of none.
    static func granted(_ isConnected: Bool) -> MQTTSubscriptionStatus {
        isConnected ? MQTTSubscriptionStatus(connected: true, pending: 0, refused: [:]) : MQTTSubscriptionStatus()
    }
}
