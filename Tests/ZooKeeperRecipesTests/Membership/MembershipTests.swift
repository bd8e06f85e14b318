import Synchronization
import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

@Suite("Membership", .timeLimit(.minutes(5)))
struct MembershipTests {
    private final class Running: Sendable {
        let membership: Membership
        private let lists = Collected<[Member]>()
        private let tasks: [Task<Void, any Error>]

        init(
            _ client: ZooKeeperClient, _ name: String, data: String = "alive",
            mayReplace: @escaping @Sendable ([UInt8]) -> Bool = { _ in false }
        ) {
            let membership = Membership(
                client: client, path: "/gateways", name: name, data: data.bytes, mayReplace: mayReplace,
                logger: TestTree.logger)
            self.membership = membership
            let lists = lists
            // Ended by ``stop()``.
            tasks = [Task { try await membership.run() }, Task { await lists.follow(membership.members()) }]
        }

        var seen: [[Member]] { lists.all }
        var names: [String]? { lists.all.last?.map(\.name) }

        func stop() async {
            for task in tasks { task.cancel() }
            for task in tasks { _ = await task.result }
        }
    }

    @Test(arguments: TreeKind.allCases)
    func membersSeeEachOtherComeAndGo(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        let chroot = TestTree.uniquePath("members")
        try await withClient(port: port, chroot: chroot) { first in
            let one = Running(first, "a", data: "1")
            try await eventually("alone", seen: { "\(one.seen)" }) { one.names == ["a"] }
            try await withClient(port: port, chroot: chroot) { second in
                let two = Running(second, "b", data: "2")
                try await eventually("two", seen: { "\(one.seen) \(two.seen)" }) {
                    one.names == ["a", "b"] && two.names == ["a", "b"]
                }
                let (a, b) = try await (first.getData("/gateways/a"), first.getData("/gateways/b"))
                #expect(
                    one.seen.last == [
                        Member(
                            name: "a", data: "1".bytes, sessionID: first.session?.id ?? 0, registration: a.stat.czxid),
                        Member(
                            name: "b", data: "2".bytes, sessionID: second.session?.id ?? 0, registration: b.stat.czxid),
                    ])
                try await two.membership.update("3".bytes)
                try await eventually("new data", seen: { "\(one.seen)" }) { one.seen.last?.last?.data == "3".bytes }
                // What others write there is put right, and the node of a later session shows the new data as well.
                try await first.setData("/gateways/b", data: "4".bytes)
                try await eventually("its own data again") { try await first.getData("/gateways/b").data == "3".bytes }
                try await first.delete("/gateways/b")
                try await eventually("made again", seen: { "\(one.seen)" }) {
                    one.seen.last?.last.map { $0.data == "3".bytes && $0.registration > b.stat.czxid } == true
                }
                await two.stop()
                #expect(try await first.exists("/gateways/b") == nil)
            }
            try await eventually("alone again", seen: { "\(one.seen)" }) { one.names == ["a"] }
            await one.stop()
            #expect(try await first.getChildren("/gateways").isEmpty)
        }
    }

    @Test(arguments: TreeKind.allCases)
    func aMemberComesBackAfterExpiryAndAfterDeletion(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        let chroot = TestTree.uniquePath("back")
        let proxy = try FaultProxy(target: port)
        defer { proxy.close() }
        try await withClient(port: port, chroot: chroot) { observer in
            try await withClient(
                port: proxy.port, chroot: chroot, configure: { $0.sessionTimeout = .milliseconds(2000) }
            ) {
                client in
                let member = Running(client, "a")
                let first = try await eventuallyValue("there") { try await observer.exists("/gateways/a") }
                try await observer.delete("/gateways/a")
                let second = try await eventuallyValue("there again") { try await observer.exists("/gateways/a") }
                #expect(second.czxid > first.czxid && second.ephemeralOwner == first.ephemeralOwner)
                proxy.refuse(true)
                proxy.cut()
                try await eventually("expired") { try await observer.exists("/gateways/a") == nil }
                proxy.heal()
                let third = try await eventuallyValue("in a new session") { try await observer.exists("/gateways/a") }
                #expect(third.ephemeralOwner != first.ephemeralOwner)
                try await eventually("listed", seen: { "\(member.seen)" }) {
                    member.seen.last?.map(\.sessionID) == [third.ephemeralOwner]
                }
                await member.stop()
                #expect(try await observer.exists("/gateways/a") == nil)
            }
        }
    }

    @Test(arguments: TreeKind.allCases)
    func aLeftoverIsReplacedAtOnceAndAStrangerIsWaitedFor(_ kind: TreeKind) async throws {
        let port = try await TestTree.port(kind)
        let chroot = TestTree.uniquePath("leftover")
        try await withClient(port: port, chroot: chroot) { stranger in
            try await stranger.ensurePath("/gateways")
            try await stranger.create("/gateways/a", data: "dead".bytes, mode: .ephemeral)
            try await stranger.create("/gateways/b", data: "someone".bytes, mode: .ephemeral)
            try await withClient(port: port, chroot: chroot) { client in
                let rule: @Sendable ([UInt8]) -> Bool = { $0 == "dead".bytes }
                let a = Running(client, "a", mayReplace: rule)
                let b = Running(client, "b", mayReplace: rule)
                try await eventually("replaced") {
                    try await stranger.exists("/gateways/a")?.ephemeralOwner == client.session?.id
                }
                try await Task.sleep(for: .milliseconds(100))
                #expect(try await client.getData("/gateways/b").data.text == "someone")
                try await stranger.delete("/gateways/b")
                try await eventually("taken") {
                    try await stranger.exists("/gateways/b")?.ephemeralOwner == client.session?.id
                }
                await a.stop()
                await b.stop()
            }
        }
    }
}
