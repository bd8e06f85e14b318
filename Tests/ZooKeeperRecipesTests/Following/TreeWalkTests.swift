import TestFixtures
import Testing
import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

@Suite("Reading many nodes at once", .timeLimit(.minutes(5)))
struct TreeWalkTests {
    @Test("gives what single reads give, whatever is missing or closed", arguments: TreeKind.allCases)
    func mixed(_ kind: TreeKind) async throws {
        try await withClient(port: TestTree.port(kind), chroot: TestTree.uniquePath("walk")) { client in
            let closed = [ACL(permissions: .write, scheme: "world", id: "anyone")]
            var paths: [String] = []
            for number in 0..<100 {
                let path = "/n\(number)"
                paths.append(path)
                switch number % 5 {
                case 0: continue
                case 1: try await client.create(path, data: nil)
                case 2: try await client.create(path, data: [])
                case 3: try await client.create(path, data: path.bytes, acl: closed)
                default:
                    try await client.create(path, data: path.bytes)
                    try await client.create(path + "/below", data: nil)
                }
            }
            let walk = TreeWalk(client: client)
            for (path, node) in zip(paths, try await walk.data(of: paths)) {
                let single: NodeData?
                do { single = try await client.getData(path) } catch let error as ZooKeeperError
                    where error.code == .noNode || error.code == .noAuth
                {
                    single = nil
                }
                #expect(node == single, "\(path)")
            }
            #expect(try await walk.data(of: []).isEmpty)
            #expect(try await walk.data(of: ["/n0"]) == [nil])
            let found = try await walk.descendants(of: "/")
            #expect(Set(found).count == found.count)
            #expect(found.count == 80 + 20)
            #expect(found.contains("/n4/below") && !found.contains("/n0"))
        }
    }

    @Test(
        "reads one by one what does not fit into an answer together", arguments: TreeKind.allCases, [1 << 20, 64 << 20])
    func large(_ kind: TreeKind, limit: Int) async throws {
        try await withClient(
            port: TestTree.port(kind), chroot: TestTree.uniquePath("large"),
            configure: { $0.maximumResponseLength = limit }
        ) { client in
            let paths = (0..<40).map { "/n\($0)" }
            for (number, path) in paths.enumerated() {
                try await client.create(path, data: Array(repeating: UInt8(number), count: 400_000))
            }
            let nodes = try await TreeWalk(client: client).data(of: paths)
            #expect(nodes.enumerated().allSatisfy { $1?.data?.count == 400_000 && $1?.data?.last == UInt8($0) })
        }
    }
}
