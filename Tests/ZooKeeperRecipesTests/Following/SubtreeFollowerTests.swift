import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

@Suite("Following a subtree", .timeLimit(.minutes(5)))
struct SubtreeFollowerTests {
    private struct Unreadable: Error {}
    private struct Enough: Error {}

    @Test("hears of everything that happens after the first look", arguments: TreeKind.allCases)
    func heardInOrder(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("follow")) { client in
            var heard: [String] = []
            await #expect(throws: Enough.self) {
                try await SubtreeFollower(client: client, path: "/a").follow { element in
                    switch element {
                    // The watch stands by now, also on a node that is not there yet.
                    case .gap:
                        heard.append("gap")
                        try await client.create("/a", data: nil)
                        try await client.create("/a/b", data: nil)
                        try await client.setData("/a/b", data: "1".bytes)
                        try await client.delete("/a/b")
                        try await client.create("/other", data: nil)
                        try await client.delete("/a")
                    case .event(let event):
                        heard.append("\(event.type) \(event.path)")
                        if event.path == "/a", event.type == .nodeDeleted { throw Enough() }
                    }
                } failed: { error in
                    throw error
                }
            }
            #expect(
                heard == [
                    "gap", "nodeCreated /a", "nodeCreated /a/b", "nodeDataChanged /a/b", "nodeDeleted /a/b",
                    "nodeDeleted /a",
                ])
        }
    }

    @Test("begins again with a look at everything after a look that failed")
    func failedLook() async throws {
        try await withClient(port: TestTree.port(.embedded), chroot: TestTree.uniquePath("follow")) { client in
            try await client.create("/a", data: nil)
            var (looks, events, failures) = (0, 0, 0)
            await #expect(throws: Enough.self) {
                try await SubtreeFollower(client: client, path: "/a").follow { element in
                    switch element {
                    case .gap:
                        looks += 1
                        if looks == 1 { throw Unreadable() }
                        try await client.setData("/a", data: "\(looks)".bytes)
                    case .event:
                        events += 1
                        if events < 2 { throw Unreadable() }
                        throw Enough()
                    }
                } failed: { error in
                    if error is Enough { throw error }
                    #expect(error is Unreadable)
                    failures += 1
                }
            }
            #expect((looks, events, failures) == (3, 2, 2))
        }
    }

    @Test("looks at everything again after a lost connection", arguments: TreeKind.allCases)
    func lostConnection(_ kind: TreeKind) async throws {
        let (port, chroot) = (try await TestTree.port(kind), TestTree.uniquePath("follow"))
        let proxy = try FaultProxy(target: port)
        defer { proxy.close() }
        try await withClient(port: port, chroot: chroot) { other in
            try await withClient(port: proxy.port, chroot: chroot) { client in
                var looks = 0
                await #expect(throws: Enough.self) {
                    try await SubtreeFollower(client: client, path: "/a").follow { element in
                        guard element == .gap else { return }
                        looks += 1
                        let isThere = try await client.exists("/a") != nil
                        if isThere { throw Enough() }
                        // Nobody hears of what happens while the connection is away.
                        proxy.cut()
                        try await other.create("/a", data: nil)
                        proxy.heal()
                    } failed: { error in
                        if error is Enough { throw error }
                    }
                }
                #expect(looks > 1)
            }
        }
    }

    @Test("ends when it is cancelled, whatever it is doing")
    func cancelled() async throws {
        try await withClient(port: TestTree.port(.embedded), chroot: TestTree.uniquePath("follow")) { client in
            for isFailing in [false, true] {
                let follower = Task {
                    try await SubtreeFollower(client: client, path: "/a").follow { _ in
                        if isFailing { throw Unreadable() }
                    } failed: { _ in
                        try await Task.sleep(for: .milliseconds(1))
                    }
                }
                try await Task.sleep(for: .milliseconds(20))
                follower.cancel()
                await #expect(throws: CancellationError.self) { try await follower.value }
            }
        }
    }
}
