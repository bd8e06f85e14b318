import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// More nodes to read than the client lets anybody ask for at a time.
@Suite("Reading more than the client accepts at a time", .timeLimit(.minutes(5)))
struct ReadWindowTests {
    private func withManyNodes(_ body: (ZooKeeperClient, Set<String>) async throws -> Void) async throws {
        let port = try await TestTree.port(.embedded)
        let chroot = TestTree.uniquePath("window")
        let names = Set((0..<300).map { "n\($0)" })
        try await withClient(port: port, chroot: chroot) { maker in
            try await maker.ensurePath("/many")
            try await maker.transaction(names.map { .create(path: "/many/" + $0, data: $0.bytes) })
            try await withClient(port: port, chroot: chroot, configure: { $0.maxOutstandingRequests = 8 }) { client in
                try await body(client, names)
            }
        }
    }

    @Test func aMemberListComesToHaveAllOfThem() async throws {
        try await withManyNodes { client, names in
            let list = MemberList(client: client, path: "/many", logger: TestTree.logger)
            let running = Task { try await list.run() }
            defer { running.cancel() }
            try await eventually("all there", seen: { "\(list.current?.count ?? -1)" }) { list.current != nil }
            #expect(Set((list.current ?? []).map(\.name)) == names)
            #expect((list.current ?? []).allSatisfy { $0.data == $0.name.bytes })
        }
    }

    @Test func aTreeCacheComesToHaveAllOfThem() async throws {
        try await withManyNodes { client, names in
            let cache = TreeCache(client: client, path: "/many", logger: TestTree.logger)
            let running = Task { try await cache.run() }
            defer { running.cancel() }
            try await eventually("loaded") { cache.isLoaded }
            #expect(cache.children("/many") == names)
            #expect(names.allSatisfy { cache.value("/many/" + $0)?.data?.elementsEqual($0.utf8) == true })
        }
    }
}
