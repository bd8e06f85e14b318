import TestFixtures
import Testing
import ZooKeeperProtocol

@testable import ZooKeeperClient

@Suite("Nodes, on a real ZooKeeper")
struct NodeTests {
    @Test func createReadChangeDelete() async throws {
        let server = try await TestTree.shared()
        try await withClient(port: server.port, chroot: TestTree.uniquePath("crud")) { client in
            #expect(try await client.create("/a", data: "1".bytes) == "/a")
            let node = try await client.getData("/a")
            #expect(node.data.text == "1" && node.stat.version == 0)
            let stat = try await client.setData("/a", data: "2".bytes, version: 0)
            #expect(stat.version == 1)
            await #expect(throws: ZooKeeperError.self) { try await client.setData("/a", data: nil, version: 0) }
            #expect(try await client.exists("/a")?.mzxid == stat.mzxid)
            #expect(try await client.exists("/b") == nil)
            try await client.create("/a/x", data: nil)
            #expect(try await client.getChildren("/a") == ["x"])
            #expect(try await client.getChildren2("/a").stat.numChildren == 1)
            await expect(.notEmpty) { try await client.delete("/a") }
            await expect(.nodeExists) { try await client.create("/a", data: nil) }
            await expect(.noNode) { try await client.getData("/nowhere") }
            try await client.delete("/a/x")
            try await client.delete("/a", version: 1)
            #expect(try await client.exists("/a") == nil)
        }
    }

    @Test func nullAndEmptyDataAreDifferent() async throws {
        let server = try await TestTree.shared()
        try await withClient(port: server.port, chroot: TestTree.uniquePath("null")) { client in
            try await client.create("/null", data: nil)
            try await client.create("/empty", data: [])
            #expect(try await client.getData("/null").data == nil)
            #expect(try await client.getData("/empty").data == [])
        }
    }

    @Test func sequentialAndEphemeralNodesCarryNumberAndOwner() async throws {
        let server = try await TestTree.shared()
        try await withClient(port: server.port, chroot: TestTree.uniquePath("modes")) { client in
            let session = try #require(client.session)
            let first = try await client.create2("/n-", data: nil, mode: .ephemeralSequential)
            #expect(first.path == "/n-0000000000" && first.stat.ephemeralOwner == session.id)
            #expect(try await client.create("/n-", data: nil, mode: .persistentSequential) == "/n-0000000001")
            #expect(try await client.getEphemerals() == ["/n-0000000000"])
            try await client.create("/container", data: nil, mode: .container)
            #expect(
                try await client.create2("/ttl", data: nil, mode: .persistentTTL, timeToLiveMilliseconds: 60_000).stat
                    .version == 0)
            #expect(try await client.allChildrenNumber("/") == 4)
            await expect(.noChildrenForEphemerals) { try await client.create(first.path + "/x", data: nil) }
        }
    }

    @Test func ephemeralNodesGoWhenTheClientEnds() async throws {
        let server = try await TestTree.shared()
        let path = TestTree.uniquePath("ephemeral")
        try await withClient(port: server.port) { observer in
            try await withClient(port: server.port) { try await $0.create(path, data: nil, mode: .ephemeral) }
            #expect(try await observer.exists(path) == nil)
        }
    }

    @Test func aTransactionHappensAsAWholeOrNotAtAll() async throws {
        let server = try await TestTree.shared()
        try await withClient(port: server.port, chroot: TestTree.uniquePath("multi")) { client in
            let results = try await client.transaction([
                .create(path: "/a", data: "1".bytes), .create(path: "/a/b-", data: nil, mode: .persistentSequential),
                .setData(path: "/a", data: "2".bytes, version: 0), .check(path: "/a", version: 1),
            ])
            guard case .created("/a", _) = results[0], case .created("/a/b-0000000000", _) = results[1],
                case .set(let stat) = results[2], case .checked = results[3]
            else {
                Issue.record("saw \(results)")
                return
            }
            #expect(stat.version == 1)
            for (operations, index, code) in [
                ([Operation.check(path: "/gone"), .setData(path: "/a", data: nil)], 0, ErrorCode.noNode),
                (
                    [
                        .setData(path: "/a", data: nil), .setData(path: "/a", data: nil, version: 7),
                        .delete(path: "/a"),
                    ], 1, .badVersion
                ),
                ([.check(path: "/a"), .check(path: "/a"), .create(path: "/a", data: nil)], 2, .nodeExists),
            ] {
                do {
                    let results = try await client.transaction(operations)
                    Issue.record("went through: \(results)")
                } catch let error as ZooKeeperError {
                    #expect(
                        error.transactionIndex == index && error.code == code && error.path == operations[index].path)
                }
            }
            #expect(try await client.getData("/a").data.text == "2")
        }
    }

    @Test func manyReadsAtOneMoment() async throws {
        let server = try await TestTree.shared()
        try await withClient(port: server.port, chroot: TestTree.uniquePath("multiread")) { client in
            try await client.create("/a", data: "1".bytes)
            let results = try await client.read([.getData(path: "/a"), .getChildren(path: "/"), .getData(path: "/b")])
            guard case .data(let data) = results[0], case .children(["a"]) = results[1],
                case .failed(.noNode) = results[2]
            else {
                Issue.record("saw \(results)")
                return
            }
            #expect(data.data.text == "1")
        }
    }

    @Test func accessListsAndAuthentication() async throws {
        let server = try await TestTree.shared()
        let path = TestTree.uniquePath("acl")
        try await withClient(port: server.port, configure: { $0.auth = [.digest(user: "ada", password: "secret")] }) {
            ada in
            #expect(try await ada.whoAmI().contains { $0.authScheme == "digest" && $0.user == "ada" })
            try await ada.create(path, data: "private".bytes, acl: ACL.creatorAll)
            let (acl, stat) = try await ada.getACL(path)
            #expect(acl.map(\.scheme) == ["digest"] && stat.aversion == 0)
            try await withClient(port: server.port) { stranger in
                await expect(.noAuth) { try await stranger.getData(path) }
                try await ada.setACL(path, acl: ACL.worldRead, version: 0)
                #expect(try await stranger.getData(path).data.text == "private")
                await expect(.noAuth) { try await stranger.setData(path, data: nil) }
            }
        }
    }

    @Test func refusedCredentialsEndTheClient() async throws {
        let server = try await TestTree.shared()
        var configuration = try ZooKeeperClient.Configuration(connectString: "127.0.0.1:\(server.port)")
        configuration.auth = [AuthInfo(scheme: "no-such-scheme", credentials: [])]
        let client = ZooKeeperClient(configuration: configuration, logger: TestTree.logger)
        await expect(.authFailed) { try await client.run() }
        #expect(client.state == .closed)
        await expect(.authFailed) { try await client.exists("/") }
    }

    @Test func aChrootIsMadeAndNeverShows() async throws {
        let server = try await TestTree.shared()
        let chroot = TestTree.uniquePath("chroot") + "/deep/er"
        try await withClient(port: server.port, chroot: chroot) { client in
            #expect(try await client.exists("/") != nil)
            try await client.ensurePath("/x/y/z")
            try await client.ensurePath("/x/y/z")
            #expect(
                try await client.create("/x/y/z/n-", data: nil, mode: .ephemeralSequential) == "/x/y/z/n-0000000000")
            #expect(try await client.unrooted().exists(chroot + "/x/y/z") != nil)
            #expect(try await client.getEphemerals() == ["/x/y/z/n-0000000000"])
            let (_, watch) = try await client.getDataAndWatch("/")
            try await client.setData("/", data: "1".bytes)
            guard case .event(let event) = try await watch.next() else { return }
            #expect(event.path == "/" && event.type == .nodeDataChanged)
        }
    }

    @Test func thousandsOfRequestsArePipelined() async throws {
        let server = try await TestTree.shared()
        try await withClient(port: server.port, chroot: TestTree.uniquePath("pipeline")) { client in
            try await client.create("/counter", data: nil)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<3000 {
                    group.addTask {
                        if index % 3 == 0 {
                            try await client.setData("/counter", data: "\(index)".bytes)
                        } else {
                            _ = try await client.getData("/counter")
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await client.exists("/counter")?.version == 1000)
        }
    }

    @Test func whatIsTooLargeOrNoPathIsRefusedBeforeItCostsTheConnection() async throws {
        let server = try await TestTree.shared()
        try await withClient(port: server.port, chroot: TestTree.uniquePath("refused")) { client in
            let session = client.session
            await expect(.requestTooLarge) {
                try await client.create("/big", data: [UInt8](repeating: 0, count: 2 << 20))
            }
            for path in ["", "a", "/a/", "/a//b", "/../b", "/a\u{0}"] {
                await expect(.badArguments) { try await client.create(path, data: nil) }
            }
            #expect(client.session == session && client.isConnected)
            try await client.create("/fits", data: [UInt8](repeating: 1, count: 1_000_000))
            #expect(try await client.getData("/fits").data?.count == 1_000_000)
        }
    }

    @Test func callsWithoutConnectionHaveDeadlinesToo() async throws {
        var configuration = try ZooKeeperClient.Configuration(connectString: "127.0.0.1:1")
        configuration.requestTimeout = .milliseconds(300)
        configuration.maxOutstandingRequests = 2
        let client = ZooKeeperClient(configuration: configuration, logger: TestTree.logger)
        let codes = await withTaskGroup(of: ErrorCode?.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    do { _ = try await client.exists("/") } catch { return (error as? ZooKeeperError)?.code }
                    return nil
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.filter { $0 == .operationTimeout }.count == 2)
        #expect(codes.filter { $0 == .tooManyRequests }.count == 1)
        await expect(.connectionLoss) { try await client.waitUntilConnected(timeout: .milliseconds(100)) }
    }
}

/// Expects a ``ZooKeeperError`` with this code.
func expect<Result>(
    _ code: ErrorCode, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Result
) async {
    do {
        let result = try await body()
        Issue.record("expected \(code), got \(result)", sourceLocation: sourceLocation)
    } catch let error as ZooKeeperError {
        #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
    } catch {
        Issue.record("expected \(code), got \(error)", sourceLocation: sourceLocation)
    }
}
