import NIOCore
import Testing
import ZooKeeperProtocol

@testable import EmbeddedZooKeeper

/// What ZooKeeper answers to requests that no client library sends: each found by comparing with Apache's server.
@Suite struct OddRequestTests {
    private func create(_ flags: Int32, ttl: Int64? = nil) -> CreateRequest {
        CreateRequest(path: "/n", data: [], acl: ACL.worldAll, flags: flags, timeToLive: ttl)
    }

    @Test func aTimeToLiveNeedsAModeThatHasOne() throws {
        let client = try EngineHarness().connected()
        for flags: Int32 in 0...3 {
            #expect(throws: ErrorCode.badArguments) { try client.call(.createTTL, create(flags, ttl: 1000)) }
        }
        for life in [0, -1, 1 << 40] as [Int64] {
            #expect(throws: ErrorCode.badArguments) { try client.call(.createTTL, create(5, ttl: life)) }
        }
        // Apache 3.9.5 does not survive this one.
        try client.call(.createTTL, create(0, ttl: -1))
        #expect(try client.stat("/n").ephemeralOwner == 0)
    }

    @Test func aTransactionWithAModeThatMeansNothingIsUnreadable() throws {
        let client = try EngineHarness().connected()
        for (flags, type) in [(7, .create), (-1, .create2), (5, .create2), (6, .create), (9, .createTTL)]
            as [(Int32, OperationCode)]
        {
            let request = MultiRequest(operations: [
                .create(create(flags, ttl: type == .createTTL ? 1000 : nil), type: type)
            ])
            #expect(throws: ErrorCode.marshallingError) { try client.call(.multi, request) }
        }
    }

    @Test func aTransactionForgetsATimeToLiveThatTheModeDoesNotHave() throws {
        let client = try EngineHarness().connected()
        let request = MultiRequest(operations: [.create(create(0, ttl: 1000), type: .createTTL)])
        let response = try client.call(.multi, request, as: MultiResponse.self)
        #expect(response.results == [.created(path: "/n", stat: nil)])
    }

    @Test func inATransactionTheFlagsMakeAContainer() throws {
        let harness = try EngineHarness()
        let client = try harness.connected()
        let request = MultiRequest(operations: [.create(create(4), type: .create)])
        let response = try client.call(.multi, request, as: MultiResponse.self)
        #expect(response.results == [.created(path: "/n", stat: try client.stat("/n"))])
        #expect(harness.engine.tree["/n"]?.state.owner == .container)
    }

    @Test func theOperationMakesTheContainer() throws {
        let harness = try EngineHarness()
        let client = try harness.connected()
        try client.call(.createContainer, create(1))
        #expect(harness.engine.tree["/n"]?.state.owner == .container)
        #expect(try client.stat("/n").ephemeralOwner == 0)
    }

    @Test func aWatchModeThatMeansNothingIsUnreadable() throws {
        let client = try EngineHarness().connected()
        for mode: Int32 in [-1, 2, 77] {
            #expect(throws: ErrorCode.marshallingError) {
                try client.call(.addWatch, AddWatchRequest(path: "/n", mode: mode))
            }
        }
    }

    @Test func theFirstNodesDoNotCountAsCreated() throws {
        let client = try EngineHarness().connected()
        #expect(try client.stat("/").cversion == -1)
        #expect(try client.stat("/zookeeper").cversion == -2)
        #expect(try client.stat("/zookeeper/config").aversion == -1)
        #expect(try client.create("/s-", mode: .persistentSequential).path == "/s-0000000000")
    }

    @Test func askingForWhatIsNoClientsToAskCostsTheConnection() throws {
        let harness = try EngineHarness()
        for type: Int32 in [0, 13, 20, 23, 99, 1000, -1, -10] {
            let client = try harness.connected()
            var frame = ByteBuffer()
            RequestHeader(xid: 7, type: type).write(into: &frame)
            harness.engine.receive(&frame, from: client.client, now: harness.now)
            harness.settle()
            #expect(
                try client.received() == [
                    .reply(ReplyHeader(xid: 7, zxid: harness.engine.lastZxid, error: .unimplemented), [])
                ])
            #expect(client.client.phase == .closing)
        }
    }

    @Test func restoredWatchesTellOfUnreadableNodes() throws {
        let harness = try EngineHarness()
        let (owner, stranger) = (try harness.connected(), try harness.connected())
        try owner.authenticate("owner:secret")
        try owner.create("/private", acl: ACL.creatorAll)
        try stranger.call(
            .setWatches,
            SetWatchesRequest(relativeZxid: 0, dataWatches: ["/private"], existWatches: [], childWatches: []),
            xid: ReservedXid.setWatches)
        stranger.send(
            .setWatches,
            xid: ReservedXid.setWatches,
            SetWatchesRequest(
                relativeZxid: 0, dataWatches: ["/private"], existWatches: ["/private"], childWatches: ["/private"]))
        #expect(
            try stranger.events() == [
                "nodeDataChanged /private", "nodeCreated /private", "nodeChildrenChanged /private",
            ])
    }

    @Test func theSuperusersNodesBelongToTheDigest() throws {
        let digest = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="
        let client = try EngineHarness(settings: Engine.Settings(superDigest: digest)).connected()
        try client.authenticate("super:test")
        try client.create("/n", acl: ACL.creatorAll)
        let acl = try client.call(.getACL, PathRequest(path: "/n"), as: GetACLResponse.self).acl
        #expect(acl == [ACL(permissions: .all, scheme: "digest", id: digest)])
    }

    @Test func noPrefixIsThatOfAllEphemeralNodes() throws {
        let client = try EngineHarness().connected()
        try client.create("/n", mode: .ephemeral)
        // A null string on the wire.
        let paths = try client.call(.getEphemerals, IntResponse(value: -1), as: StringsResponse.self).strings
        #expect(paths == ["/n"])
    }

    @Test func provingNothingIsNoProof() throws {
        let client = try EngineHarness().connected()
        #expect(throws: ErrorCode.authFailed) {
            try client.call(.auth, AuthPacket(scheme: "digest", auth: nil), xid: ReservedXid.auth)
        }
        #expect(client.client.phase == .closing)
    }
}
