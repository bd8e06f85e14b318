import NIOCore
import Testing
import ZooKeeperProtocol

@testable import EmbeddedZooKeeper

@Suite struct NodeTests {
    @Test func statOfANewNode() throws {
        let harness = try EngineHarness()
        let client = try harness.connected()
        let created = try client.create("/a", [1, 2, 3])
        let zxid = harness.engine.lastZxid
        let expected = Stat(
            czxid: zxid, mzxid: zxid, ctime: harness.now.wallMilliseconds, mtime: harness.now.wallMilliseconds,
            dataLength: 3, pzxid: zxid)
        #expect(created == Create2Response(path: "/a", stat: expected))
        #expect(try client.stat("/a") == expected)
        #expect(try client.get("/a") == GetDataResponse(data: [1, 2, 3], stat: expected))
    }

    @Test func setDataChangesVersionMzxidMtimeOnly() throws {
        let harness = try EngineHarness()
        let client = try harness.connected()
        let before = try client.create("/a").stat
        let parent = try client.stat("/")
        harness.pass(milliseconds: 5)
        let after = try client.set("/a", [9])
        var expected = before
        expected.version = 1
        expected.mzxid = harness.engine.lastZxid
        expected.mtime += 5
        expected.dataLength = 1
        #expect(after == expected)
        #expect(try client.stat("/") == parent)
    }

    @Test func setACLChangesAversionOnlyAndFiresNothing() throws {
        let harness = try EngineHarness()
        let client = try harness.connected()
        let before = try client.create("/a").stat
        _ = try client.get("/a", watch: true)
        let request = SetACLRequest(path: "/a", acl: ACL.worldAll, version: 0)
        let after = try client.call(.setACL, request, as: Stat.self)
        var expected = before
        expected.aversion = 1
        #expect(after == expected)
        #expect(try client.events() == [])
        #expect(throws: ErrorCode.badVersion) { try client.call(.setACL, request) }
    }

    @Test func parentCountsCreationsAndDeletions() throws {
        let harness = try EngineHarness()
        let client = try harness.connected()
        let before = try client.create("/p").stat
        try client.create("/p/a")
        let first = try client.stat("/p")
        #expect((first.cversion, first.numChildren, first.pzxid) == (1, 1, harness.engine.lastZxid))
        try client.create("/p/b")
        try client.delete("/p/a")
        let second = try client.stat("/p")
        #expect((second.cversion, second.numChildren, second.pzxid) == (3, 1, harness.engine.lastZxid))
        #expect((second.mzxid, second.mtime, second.version) == (before.mzxid, before.mtime, 0))
    }

    @Test func nullAndEmptyDataAreDifferent() throws {
        let client = try EngineHarness().connected()
        try client.create("/null", nil)
        try client.create("/empty", [])
        #expect(try client.get("/null").data == nil)
        #expect(try client.get("/empty").data == [])
    }

    @Test func everyCreationConsumesASequenceNumber() throws {
        let client = try EngineHarness().connected()
        try client.create("/p")
        #expect(try client.create("/p/s-", mode: .persistentSequential).path == "/p/s-0000000000")
        try client.create("/p/plain")
        #expect(try client.create("/p/s-", mode: .ephemeralSequential).path == "/p/s-0000000002")
        try client.delete("/p/plain")
        #expect(try client.create("/p/", mode: .persistentSequential).path == "/p/0000000003")
        #expect(try client.create("/p/.", mode: .persistentSequential).path == "/p/.0000000004")
    }

    @Test(
        arguments: [
            (0, "0000000000"), (7, "0000000007"), (.max, "2147483647"), (.min, "-2147483648"), (-1, "-000000001"),
        ] as [(Int32, String)])
    func sequenceSuffix(_ number: Int32, _ text: String) {
        #expect(Engine.sequenceSuffix(number) == text)
    }

    @Test func createChecksInZooKeepersOrder() throws {
        let client = try EngineHarness().connected()
        try client.create("/e", mode: .ephemeral)
        try client.create("/closed", acl: ACL.worldRead)
        let bad = [ACL(permissions: .all, scheme: "nonsense", id: "x")]
        #expect(throws: ErrorCode.badArguments) {
            try client.call(.create, CreateRequest(path: "/a", data: nil, acl: ACL.worldAll, flags: 99))
        }
        #expect(throws: ErrorCode.badArguments) { try client.create("noslash", acl: bad) }
        #expect(throws: ErrorCode.badArguments) { try client.create("/a\u{0}", acl: bad) }
        #expect(throws: ErrorCode.invalidACL) { try client.create("/no/parent", acl: bad) }
        #expect(throws: ErrorCode.invalidACL) { try client.create("/a", acl: []) }
        #expect(throws: ErrorCode.noNode) { try client.create("/no/..") }
        #expect(throws: ErrorCode.noAuth) { try client.create("/closed/..") }
        #expect(throws: ErrorCode.badArguments) { try client.create("/e/..") }
        #expect(throws: ErrorCode.noNode) { try client.create("/a/") }
        #expect(throws: ErrorCode.badArguments) { try client.create("/e/") }
        #expect(throws: ErrorCode.nodeExists) { try client.create("/e") }
        #expect(throws: ErrorCode.nodeExists) { try client.create("/") }
        #expect(throws: ErrorCode.noChildrenForEphemerals) { try client.create("/e/child") }
    }

    @Test func deleteChecksInZooKeepersOrder() throws {
        let client = try EngineHarness().connected()
        try client.create("/p")
        try client.create("/p/c")
        try client.create("/closed", acl: [ACL(permissions: [.read, .create], scheme: "world", id: "anyone")])
        for path in ["/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config", "noslash"] {
            #expect(throws: ErrorCode.badArguments, "\(path)") { try client.delete(path) }
        }
        #expect(throws: ErrorCode.noNode) { try client.delete("/nope/c") }
        #expect(throws: ErrorCode.noAuth) { try client.delete("/closed/missing") }
        #expect(throws: ErrorCode.noNode) { try client.delete("/p/missing") }
        #expect(throws: ErrorCode.badVersion) { try client.delete("/p", version: 3) }
        #expect(throws: ErrorCode.notEmpty) { try client.delete("/p", version: 0) }
        try client.delete("/p/c", version: 0)
        try client.delete("/p")
        #expect(throws: ErrorCode.noNode) { try client.stat("/p") }
    }

    @Test func setDataAndReadsCheck() throws {
        let client = try EngineHarness().connected()
        try client.create("/a", acl: ACL.worldRead)
        try client.create("/w", acl: [ACL(permissions: .write, scheme: "world", id: "anyone")])
        #expect(throws: ErrorCode.badArguments) { try client.set("/a/", []) }
        #expect(throws: ErrorCode.noNode) { try client.set("/b", []) }
        #expect(throws: ErrorCode.noAuth) { try client.set("/a", [], version: 9) }
        #expect(throws: ErrorCode.badVersion) { try client.set("/w", [], version: 9) }
        #expect(try client.set("/w", [], version: 0).version == 1)
        #expect(throws: ErrorCode.noAuth) { try client.get("/w") }
        #expect(throws: ErrorCode.noAuth) { try client.stat("/w") }
        #expect(throws: ErrorCode.noAuth) { try client.children("/w") }
        #expect(throws: ErrorCode.noNode) { try client.get("/b") }
        #expect(throws: ErrorCode.badArguments) { try client.stat("/\u{0}") }
    }

    @Test func namesThatLookAlikeAreDifferentNodes() throws {
        let client = try EngineHarness().connected()
        try client.create("/\u{E9}", [1])
        try client.create("/e\u{301}", [2])
        #expect(try client.get("/\u{E9}").data == [1])
        #expect(try client.get("/e\u{301}").data == [2])
    }

    @Test func containersAndNodesWithATimeToLive() throws {
        let harness = try EngineHarness()
        let client = try harness.connected()
        let container = try client.create("/c", mode: .container)
        #expect(container.stat.ephemeralOwner == 0)
        try client.create("/unused", mode: .container)
        #expect(try client.create("/ttl", mode: .persistentTTL, ttl: 1000).stat.ephemeralOwner == 0)
        #expect(throws: ErrorCode.badArguments) { try client.create("/t", mode: .persistentTTL, ttl: 0) }
        #expect(throws: ErrorCode.badArguments) { try client.create("/t", mode: .persistentTTL, ttl: 1 << 40) }
        try client.create("/c/child")
        harness.pass(milliseconds: 900)
        try client.set("/ttl", [1])
        harness.pass(milliseconds: 900)
        harness.engine.sweep(now: harness.now)
        #expect(try client.children("/") == ["c", "ttl", "unused", "zookeeper"])
        try client.delete("/c/child")
        harness.pass(milliseconds: 200)
        let again = try harness.restarted()
        again.now = harness.now
        again.engine.sweep(now: again.now)
        #expect(try again.connected().children("/") == ["unused", "zookeeper"])
        again.pass(milliseconds: 300_000)
        again.engine.sweep(now: again.now)
        #expect(try again.connected().children("/") == ["zookeeper"])
    }

    @Test func smallReads() throws {
        let harness = try EngineHarness()
        let client = try harness.connected(address: "10.1.2.3")
        try client.create("/p", mode: .persistent)
        try client.create("/p/e", mode: .ephemeral)
        try client.create("/q", mode: .ephemeral)
        func ephemerals(_ prefix: String) throws -> [String] {
            try client.call(.getEphemerals, PathRequest(path: prefix), as: StringsResponse.self).strings.sorted()
        }
        #expect(try ephemerals("/") == ["/p/e", "/q"])
        #expect(try ephemerals("/p") == ["/p/e"])
        func count(_ path: String) throws -> Int32 {
            try client.call(.getAllChildrenNumber, PathRequest(path: path), as: IntResponse.self).value
        }
        #expect(try count("/p") == 1)
        #expect(try count("/") == 6)
        #expect(try client.call(.sync, PathRequest(path: "/x"), as: PathResponse.self).path == "/x")
        try client.authenticate("u:p")
        let who = try client.call(.whoAmI, PathRequest(path: ""), as: WhoAmIResponse.self).clientInfo
        #expect(who.map { "\($0.authScheme):\($0.user)" } == ["ip:10.1.2.3", "digest:u"])
        let children = try client.call(
            .getChildren2, PathWatchRequest(path: "/p", watch: false), as: GetChildren2Response.self)
        #expect(children.children == ["e"])
        #expect(children.stat.numChildren == 1)
    }

    @Test func requestsThatAreRefused() throws {
        let harness = try EngineHarness()
        let client = try harness.connected()
        #expect(throws: ErrorCode.unimplemented) {
            try harness.connected().call(.check, PathVersionRequest(path: "/", version: -1))
        }
        #expect(throws: ErrorCode.unimplemented) {
            try harness.connected().call(.deleteContainer, PathRequest(path: "/"))
        }
        #expect(throws: ErrorCode.marshallingError) { try client.call(.create, IntResponse(value: 99)) }
        #expect(throws: ErrorCode.marshallingError) { try client.call(.multi, MultiHeader(.getData)) }
        var reconfig = ReconfigRequest(
            joiningServers: "some thing", leavingServers: nil, newMembers: nil, currentConfigID: -1)
        #expect(throws: ErrorCode.badArguments) { try client.call(.reconfig, reconfig) }
        reconfig.joiningServers = "server.9=0.0.0.0:1234:2345:observer;3456"
        #expect(throws: ErrorCode.noAuth) { try client.call(.reconfig, reconfig) }
        #expect(try client.stat("/").version == 0)
    }

    @Test func failedWritesTakeNoZxid() throws {
        let harness = try EngineHarness()
        let client = try harness.connected()
        let before = harness.engine.lastZxid
        #expect(throws: ErrorCode.noNode) { try client.set("/b", []) }
        _ = try client.multi([.check(path: "/", version: 0)])
        #expect(harness.engine.lastZxid == before)
    }
}
