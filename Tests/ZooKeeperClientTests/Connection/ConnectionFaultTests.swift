import Foundation
import TestFixtures
import Testing
import ZooKeeperProtocol

@testable import ZooKeeperClient

@Suite("Connection faults, on a real ZooKeeper behind a proxy", .timeLimit(.minutes(3)))
struct ConnectionFaultTests {
    /// A client behind a proxy and one beside it, on a path of their own.
    private func withProxy(
        _ name: String, configure: (inout ZooKeeperClient.Configuration) -> Void = { _ in },
        _ body: (ZooKeeperClient, FaultProxy, _ observer: ZooKeeperClient) async throws -> Void
    ) async throws {
        let server = try await TestTree.shared()
        let chroot = TestTree.uniquePath(name)
        let proxy = try FaultProxy(target: server.port)
        defer { proxy.close() }
        try await withClient(port: server.port, chroot: chroot) { observer in
            try await withClient(port: proxy.port, chroot: chroot, configure: configure) { client in
                try await body(client, proxy, observer)
            }
        }
    }

    @Test func aCutConnectionIsReplacedWithinTheSessionAndWatchesTellWhatWasMissed() async throws {
        try await withProxy("cut") { client, proxy, observer in
            let session = try #require(client.session)
            for name in ["changed", "deleted", "same"] { try await client.create("/\(name)", data: nil) }
            let (_, changed) = try await client.getDataAndWatch("/changed")
            let (_, deleted) = try await client.getDataAndWatch("/deleted")
            let (_, same) = try await client.getDataAndWatch("/same")
            let (_, created) = try await client.existsAndWatch("/created")
            let (_, children) = try await client.getChildrenAndWatch("/")
            let persistent = try await client.addWatch("/", mode: .persistentRecursive)

            proxy.refuse(true)
            proxy.cut()
            try await eventually("suspended", seen: { "\(client.state)" }) { client.state == .suspended(session) }
            try await observer.setData("/changed", data: "1".bytes)
            try await observer.delete("/deleted")
            try await observer.create("/created", data: nil)
            proxy.heal()

            #expect(try await type(changed) == .nodeDataChanged)
            #expect(try await type(deleted) == .nodeDeleted)
            #expect(try await type(created) == .nodeCreated)
            #expect(try await type(children) == .nodeChildrenChanged)
            #expect(try await take(1, of: persistent) == ["gap"])
            #expect(client.session?.id == session.id)
            // Those that had nothing to tell are armed again.
            #expect(!same.hasFired)
            try await observer.setData("/same", data: nil)
            #expect(try await type(same) == .nodeDataChanged)
            // The events that one-shot watches had missed come again to whoever listens.
            var events: [String] = []
            while events.last != "nodeDataChanged /same" { events += try await take(1, of: persistent) }
            #expect(events.count <= 5, "\(events)")
        }
    }

    @Test func requestsThatWaitForAConnectionAreSentWhenItIsBack() async throws {
        try await withProxy("queued") { client, proxy, _ in
            let session = try #require(client.session)
            proxy.refuse(true)
            proxy.cut()
            try await eventually("suspended", seen: { "\(client.state)" }) { client.state == .suspended(session) }
            async let created = client.create("/later", data: nil)
            try await Task.sleep(for: .milliseconds(50))
            proxy.heal()
            #expect(try await created == "/later")
        }
    }

    @Test func whatWasSentWhenTheConnectionWentFailsWithUnknownOutcome() async throws {
        try await withProxy("lost") { client, proxy, observer in
            proxy.hold(.toClient)
            let created = Task { try await client.create("/lost", data: nil) }
            try await eventually("the server has carried it out") { try await observer.exists("/lost") != nil }
            proxy.cut()
            proxy.heal()
            await expect(.connectionLoss) { try await created.value }
            #expect(try await client.exists("/lost") != nil)
        }
    }

    @Test func aSilentServerIsNoticedAndDeadlinesHoldMeanwhile() async throws {
        try await withProxy(
            "silent",
            configure: {
                $0.requestTimeout = .seconds(2)
                $0.sessionTimeout = .seconds(6)
            }
        ) { client, proxy, _ in
            let session = try #require(client.session)
            proxy.hold(.toClient)
            let start = ContinuousClock.now
            await expect(.operationTimeout) { try await client.getData("/") }
            #expect(ContinuousClock.now - start < .seconds(4))
            // Two thirds of 6 s.
            try await eventually("the connection is given up", within: .seconds(8), seen: { "\(client.state)" }) {
                client.state == .suspended(session) || proxy.acceptedConnections > 1
            }
            proxy.heal()
            try await eventually("connected again", seen: { "\(client.state)" }) { client.isConnected }
            #expect(client.session?.id == session.id)
        }
    }

    @Test func cancellationEndsAWaitAtOnce() async throws {
        try await withProxy("cancelled") { client, proxy, _ in
            proxy.hold(.toServer)
            await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    do { try await client.create("/x", data: nil) } catch { return error is CancellationError }
                    return false
                }
                try? await Task.sleep(for: .milliseconds(50))
                group.cancelAll()
                let start = ContinuousClock.now
                for await wasCancelled in group { #expect(wasCancelled) }
                #expect(ContinuousClock.now - start < .seconds(3))
            }
            proxy.heal()
            try await client.sync()
        }
    }

    @Test func expiryIsToldAndANewSessionFollowsByItself() async throws {
        try await withProxy("expiry", configure: { $0.sessionTimeout = .milliseconds(2000) }) {
            client, proxy, observer in
            let session = try #require(client.session)
            let states = Collected<ConnectionState>()
            let persistent = try await client.addWatch("/", mode: .persistentRecursive)
            try await client.create("/mine", data: nil, mode: .ephemeral)
            let (_, watch) = try await client.getDataAndWatch("/mine")
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await states.follow(client.stateUpdates()) }
                do {
                    proxy.refuse(true)
                    proxy.cut()
                    try await eventually("the server ends the session") { try await observer.exists("/mine") == nil }
                    let waiting = Task { try await client.getData("/") }
                    try await Task.sleep(for: .milliseconds(20))
                    proxy.heal()
                    await expect(.sessionExpired) { try await waiting.value }
                    #expect(try await watch.next() == .sessionExpired)
                    try await client.waitUntilConnected(timeout: .seconds(10))
                    #expect(client.session?.id != session.id)
                    #expect(states.all.contains(.expired(session)), "\(states.all)")
                    var elements: [String] = []
                    while elements.last != "gap" { elements += try await take(1, of: persistent) }
                    // Behind the arming, as whoever reads on account of the gap does.
                    _ = try await client.getData("/")
                    try await observer.create("/new", data: nil)
                    var events: [String] = []
                    while events.last != "nodeCreated /new" { events += try await take(1, of: persistent) }
                    #expect(events.count == 1, "\(events)")
                } catch {
                    Issue.record("\(error); states \(states.all)")
                }
                group.cancelAll()
            }
        }
    }

    /// As a process does that is restarted: what it needs to know fits in a file.
    @Test(arguments: TreeKind.allCases)
    func aSessionThatIsKeptAtTheEndIsTakenUpByTheNextClient(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        let path = TestTree.uniquePath("kept")
        var configuration = try ZooKeeperClient.Configuration(connectString: "127.0.0.1:\(port)")
        configuration.sessionTimeout = .seconds(10)
        configuration.keepsSessionAtEnd = true
        let first = ZooKeeperClient(configuration: configuration, logger: TestTree.logger)
        let created = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await first.run() }
            let created = try await first.create2(path, data: nil, mode: .ephemeral)
            group.cancelAll()
            try await group.waitForAll()
            return created
        }
        let file = try JSONEncoder().encode(try #require(first.credentials))
        let credentials = try JSONDecoder().decode(SessionCredentials.self, from: file)
        let start = ContinuousClock.now
        try await withClient(port: port, configure: { $0.resume = credentials }) { second in
            #expect(second.session?.id == created.stat.ephemeralOwner)
            let stat = try await second.exists(path)
            #expect(stat?.czxid == created.stat.czxid)
        }
        // And closed by the second one: not left to expire.
        try await withClient(port: port) { third in
            let stat = try await third.exists(path)
            #expect(stat == nil)
        }
        #expect(ContinuousClock.now - start < .seconds(9))
    }

    @Test func anotherClientTakesUpASession() async throws {
        let server = try await TestTree.shared()
        let path = TestTree.uniquePath("resume")
        let proxy = try FaultProxy(target: server.port)
        defer { proxy.close() }
        let credentials = try await withClient(port: proxy.port) { client in
            try await client.create(path, data: nil, mode: .ephemeral)
            let credentials = try #require(client.credentials)
            // The first one must not close its session.
            proxy.refuse(true)
            proxy.cut()
            try await eventually("cut off") { !client.isConnected }
            return credentials
        }
        try await withClient(port: server.port, configure: { $0.resume = credentials }) { client in
            #expect(client.session?.id == credentials.id)
            let stat = try await client.exists(path)
            #expect(stat?.ephemeralOwner == credentials.id)
        }
    }

    @Test(arguments: [LeaseRule.standalone, .ensemble])
    func theLeaseRunsOutBeforeTheServerEndsTheSession(_ rule: LeaseRule) async throws {
        try await withProxy(
            "lease",
            configure: {
                $0.leaseRule = rule
                $0.sessionTimeout = .seconds(4)
                $0.serverTick = .milliseconds(500)
            }
        ) { client, proxy, observer in
            client.leaseUserAdded()
            try await client.create("/mine", data: nil, mode: .ephemeral)
            // It stays fresh by itself for longer than a session timeout, as long as this process runs at all.
            let end = ContinuousClock.now + .seconds(5)
            var lastLook = ContinuousClock.now
            while lastLook < end {
                try await Task.sleep(for: .milliseconds(20))
                let now = ContinuousClock.now
                if now - lastLook < .milliseconds(500) { #expect(client.leaseDeadline.map { $0 > now } == true) }
                lastLook = now
            }
            proxy.hold(.toServer)
            try await eventually("the lease runs out", within: .seconds(6), every: .milliseconds(2)) {
                client.leaseDeadline.map { $0 <= .now } ?? true
            }
            #expect(try await observer.exists("/mine") != nil)
            proxy.heal()
        }
    }
}
